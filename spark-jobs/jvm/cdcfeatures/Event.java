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

  /** A JSON scalar as it was written; {@code OTHER} is anything else but null. */
  record Cell(Kind kind, String text) {
    enum Kind { TEXT, NUMBER, BOOLEAN, SCALED, OTHER }
  }

  /** What the event's own schema says of a column. */
  record Declared(String type, String name, String scale) {}

  boolean isEmpty() {
    return op == null && before == null && after == null;
  }
}
