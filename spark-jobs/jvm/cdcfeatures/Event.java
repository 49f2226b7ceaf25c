package cdcfeatures;

/**
 * A change of a table's row as its JSON tells it, nothing decoded yet. An image is null where the event has none.
 *
 * @param hasTable whether the event says of which table it is
 * @param lsn of the change and of its commit; null where the event does not say
 */
record Event(
    String op,
    Cell[] before,
    Cell[] after,
    boolean hasTable,
    String schema,
    String table,
    Long commitLsn,
    Long lsn,
    Declared[] declared) {

  /** A value as it was written; {@code SCALED} is a number's base64 with a {@code scale} of its own. */
  record Cell(Kind kind, String text, String scale) {
    enum Kind { TEXT, NUMBER, BOOLEAN, SCALED, OTHER }
  }

  /** What the event's own schema says of a column. */
  record Declared(String type, String name, String scale) {}

  boolean isEmpty() {
    return op == null && before == null && after == null;
  }
}
