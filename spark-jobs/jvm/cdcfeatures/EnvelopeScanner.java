package cdcfeatures;

import cdcfeatures.Event.Cell;
import cdcfeatures.Event.Declared;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Reads an envelope as Debezium's converter writes it, without blanks and with nothing escaped in what is read. It
 * takes the same JSON for an event as {@link EventReader}'s parser, only less of it: whatever it is not sure of is left
 * to that. Most of a run's records are of this kind, and a few small loops over bytes are fast before a parser's many
 * methods are compiled.
 */
final class EnvelopeScanner {

  private static final int DEEPEST = 64;
  private static final byte[] NULL = bytes("null");
  private static final byte[] TRUE = bytes("true");
  private static final byte[] FALSE = bytes("false");
  /** Of a commit's position and a change's, in a text: {@code [null,\"123\"]}. */
  private static final byte[] PLACES = bytes("\"[");
  private static final byte[] QUOTE = bytes("\\\"");
  private static final byte[] PLACES_END = bytes("]\"");
  private static final int MOST_DIGITS = 18;
  private static final String ESCAPES = "\"\\/bfnrt";

  private static final int OP = 0;
  private static final int BEFORE = 1;
  private static final int AFTER = 2;
  private static final int SOURCE = 3;
  private static final byte[][] ENVELOPE = {bytes("op"), bytes("before"), bytes("after"), bytes("source")};
  private static final int SCHEMA = 0;
  private static final int TABLE = 1;
  private static final int LSN = 2;
  private static final int SEQUENCE = 3;
  private static final byte[][] ORIGIN = {bytes("schema"), bytes("table"), bytes("lsn"), bytes("sequence")};
  private static final byte[][] WRAPPING = {bytes("schema"), bytes("payload")};

  /** There is something that the parser has to look at. */
  private static final class UnsureException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    UnsureException() {
      super("not what Debezium writes", null, false, false);
    }
  }

  private static final UnsureException UNSURE = new UnsureException();

  private final byte[][] columns;
  private final byte[] schemaName;
  private final byte[] tableName;
  private final SourceTable expected;

  private byte[] json;
  private int at;

  private String op;
  private Cell[] before;
  private Cell[] after;
  private String schema;
  private String table;
  private Long lsn;
  private Long commitLsn;
  private Long lsnOfSequence;

  EnvelopeScanner(SourceTable source) {
    expected = source;
    schemaName = bytes(source.schema());
    tableName = bytes(source.table());
    columns = source.columns().stream().map(column -> bytes(column.name())).toArray(byte[][]::new);
  }

  /**
   * The event in a part of some well-formed UTF-8, or null where it is not sure.
   *
   * @param isPayload whether the part is the payload beside a schema, and not a whole record, which may hold both
   */
  Event scan(byte[] value, int start, int end, Declared[] declared, boolean isPayload) {
    json = value;
    at = start;
    op = null;
    before = after = null;
    origin(null, null, null, null, null);
    try {
      envelope(isPayload);
      if (at != end) return null;
    } catch (UnsureException | ArrayIndexOutOfBoundsException unsure) {
      return null;
    }
    Long own = lsn == null ? lsnOfSequence : lsn;
    return new Event(op, before, after, schema != null && table != null, schema, table, commitLsn, own, declared);
  }

  private void origin(String schema, String table, Long lsn, Long commitLsn, Long lsnOfSequence) {
    this.schema = schema;
    this.table = table;
    this.lsn = lsn;
    this.commitLsn = commitLsn;
    this.lsnOfSequence = lsnOfSequence;
  }

  private void envelope(boolean isPayload) {
    open();
    do {
      int start = nameStart();
      int end = nameEnd();
      if (!isPayload && find(WRAPPING, start, end) >= 0) throw UNSURE;
      switch (find(ENVELOPE, start, end)) {
        case OP -> op = text(null, null);
        case BEFORE -> before = image();
        case AFTER -> after = image();
        case SOURCE -> {
          origin(null, null, null, null, null);
          if (!isNull()) origin();
        }
        default -> skip(0);
      }
    } while (more());
  }

  private Cell[] image() {
    if (isNull()) return null;
    Cell[] cells = new Cell[columns.length];
    open();
    do {
      int start = nameStart();
      int column = find(columns, start, nameEnd());
      if (column < 0) skip(1);
      else cells[column] = cell();
    } while (more());
    return cells;
  }

  private void origin() {
    open();
    do {
      int start = nameStart();
      switch (find(ORIGIN, start, nameEnd())) {
        case SCHEMA -> schema = text(schemaName, expected.schema());
        case TABLE -> table = text(tableName, expected.table());
        case LSN -> lsn = isNull() ? null : (Long) position();
        case SEQUENCE -> sequence();
        default -> skip(1);
      }
    } while (more());
  }

  private void sequence() {
    commitLsn = lsnOfSequence = null;
    if (isNull()) return;
    take(PLACES);
    if (!isNull()) {
      take(QUOTE);
      commitLsn = position();
      take(QUOTE);
    }
    take((byte) ',');
    take(QUOTE);
    lsnOfSequence = position();
    take(QUOTE);
    take(PLACES_END);
  }

  /** Of no more digits than fit a number; others are no place in a log, or the parser's. */
  private long position() {
    int start = at;
    long number = 0;
    for (int digit; (digit = json[at] - '0') >= 0 && digit <= 9; at++) number = number * 10 + digit;
    int digits = at - start;
    if (digits == 0 || digits > MOST_DIGITS || (digits > 1 && json[start] == '0')) throw UNSURE;
    return number;
  }

  /** A text or null; {@code usual} for the bytes that it mostly is. */
  private String text(byte[] usualBytes, String usual) {
    if (isNull()) return null;
    take((byte) '"');
    int start = at;
    int end = plainEnd();
    if (usual != null && Arrays.equals(json, start, end, usualBytes, 0, usualBytes.length)) return usual;
    return string(start, end);
  }

  private Cell cell() {
    switch (json[at]) {
      case '"' -> {
        int start = ++at;
        return new Cell(Cell.Kind.TEXT, string(start, plainEnd()), null);
      }
      case 'n' -> {
        take(NULL);
        return null;
      }
      case 't' -> {
        take(TRUE);
        return new Cell(Cell.Kind.BOOLEAN, "true", null);
      }
      case 'f' -> {
        take(FALSE);
        return new Cell(Cell.Kind.BOOLEAN, "false", null);
      }
      case '{', '[' -> throw UNSURE;
      default -> {
        int start = at;
        number();
        return new Cell(Cell.Kind.NUMBER, string(start, at), null);
      }
    }
  }

  private String string(int start, int end) {
    return new String(json, start, end - start, StandardCharsets.UTF_8);
  }

  // --- Names and structure -------------------------------------------------------------------------------------------

  private void open() {
    take((byte) '{');
  }

  /** Behind a member: whether there is another. */
  private boolean more() {
    byte next = json[at++];
    if (next == ',') return true;
    if (next == '}') return false;
    throw UNSURE;
  }

  private int nameStart() {
    take((byte) '"');
    return at;
  }

  /** Its end; what is read on from there is the value. */
  private int nameEnd() {
    int end = plainEnd();
    take((byte) ':');
    return end;
  }

  private int find(byte[][] names, int start, int end) {
    int length = end - start;
    for (int i = 0; i < names.length; i++) {
      byte[] name = names[i];
      if (name.length == length && name[0] == json[start] && Arrays.equals(json, start, end, name, 0, length)) return i;
    }
    return -1;
  }

  private boolean isNull() {
    if (json[at] != 'n') return false;
    take(NULL);
    return true;
  }

  private void take(byte expected) {
    if (json[at++] != expected) throw UNSURE;
  }

  private void take(byte[] expected) {
    for (byte one : expected) take(one);
  }

  // --- Values that nobody reads --------------------------------------------------------------------------------------

  private void skip(int depth) {
    switch (json[at]) {
      case '"' -> {
        at++;
        skipText();
      }
      case 'n' -> take(NULL);
      case 't' -> take(TRUE);
      case 'f' -> take(FALSE);
      case '{' -> {
        at++;
        if (isEnd('}', depth)) return;
        do {
          take((byte) '"');
          skipText();
          take((byte) ':');
          skip(depth + 1);
        } while (more());
      }
      case '[' -> {
        at++;
        if (isEnd(']', depth)) return;
        byte next;
        do {
          skip(depth + 1);
          next = json[at++];
        } while (next == ',');
        if (next != ']') throw UNSURE;
      }
      default -> number();
    }
  }

  private boolean isEnd(char end, int depth) {
    if (depth > DEEPEST) throw UNSURE;
    if (json[at] != end) return false;
    at++;
    return true;
  }

  /** Where a text without escapes ends; what is read on from there comes behind its quote. */
  private int plainEnd() {
    byte[] bytes = json;
    int i = at;
    for (byte one; (one = bytes[i]) != '"'; i++) if (one == '\\' || isControl(one)) throw UNSURE;
    at = i + 1;
    return i;
  }

  private void skipText() {
    byte[] bytes = json;
    int i = at;
    for (byte one; (one = bytes[i]) != '"'; i++) {
      if (isControl(one)) throw UNSURE;
      if (one == '\\' && ESCAPES.indexOf(bytes[++i]) < 0) throw UNSURE;
    }
    at = i + 1;
  }

  private static boolean isControl(byte one) {
    return (one & 0xe0) == 0;
  }

  private void number() {
    if (json[at] == '-') at++;
    if (json[at] == '0') at++;
    else digits();
    if (json[at] == '.') {
      at++;
      digits();
    }
    if (json[at] == 'e' || json[at] == 'E') {
      at++;
      if (json[at] == '+' || json[at] == '-') at++;
      digits();
    }
  }

  private void digits() {
    byte[] bytes = json;
    int i = at;
    while (bytes[i] >= '0' && bytes[i] <= '9') i++;
    if (i == at) throw UNSURE;
    at = i;
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
