package cdcfeatures;

import cdcfeatures.Event.Cell;
import cdcfeatures.Event.Declared;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A record's bytes to an event: Debezium's envelope, or a row when flattened; bare or as {schema, payload}. */
final class EventReader {

  /** The bytes are not the strict JSON of an event. */
  static final class UnreadableException extends Exception {
    private static final long serialVersionUID = 1L;

    UnreadableException() {
      super("not the JSON of an event", null, false, false);
    }
  }

  private static final JsonFactory JSON =
      JsonFactory.builder()
          // Columns of maps bring any number of names.
          .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNumberLength(Integer.MAX_VALUE)
                  .maxStringLength(Integer.MAX_VALUE)
                  .maxNameLength(Integer.MAX_VALUE)
                  .maxNestingDepth(Integer.MAX_VALUE)
                  .build())
          .build();
  private static final Cell OTHER = new Cell(Cell.Kind.OTHER, "", null);
  private static final Cell[] NO_IMAGE = {};
  private static final Event NOTHING = new Event(null, null, null, false, null, null, null, null, null);
  /** A JSON text of [last commit's LSN or null, LSN]. */
  private static final Pattern SEQUENCE = Pattern.compile("\\[ *(?:\"(\\d+)\"|null|\"null\") *, *\"(\\d+)\" *]");
  private static final byte[] PAYLOAD = ",\"payload\":".getBytes(StandardCharsets.UTF_8);

  private final SourceTable source;
  private final Map<String, Integer> columns = new HashMap<>();
  private final Declared[] undeclared;
  /** Null for flattened events. */
  private final EnvelopeScanner scanner;
  private Prefix prefix;

  /** All that comes before the payload of a record; the next ones mostly begin with the same. */
  private record Prefix(byte[] bytes, Declared[] declared) {}

  EventReader(SourceTable source) {
    this.source = source;
    for (int i = 0; i < source.columns().size(); i++) columns.put(source.columns().get(i).name(), i);
    undeclared = new Declared[source.columns().size()];
    scanner = source.flattened() ? null : new EnvelopeScanner(source);
  }

  Event read(byte[] bytes) throws UnreadableException {
    byte[] value = wellFormed(bytes);
    // The parser would take a byte order mark, UTF-16 and UTF-32.
    if (value.length < 2 || value[0] < 0 || value[0] == 0 || value[1] == 0) throw new UnreadableException();
    Event usual = scanner == null ? null : scanner.scan(value, 0, value.length, undeclared, false);
    if (usual != null) return usual;
    try {
      Event known = afterKnownSchema(value);
      return known == null ? whole(value) : known;
    } catch (IOException malformed) {
      throw new UnreadableException();
    }
  }

  /** Bytes that are no UTF-8 become what every other reader of the log makes of them; the parser takes some as they are. */
  private static byte[] wellFormed(byte[] bytes) {
    for (byte one : bytes) {
      if (one < 0) return new String(bytes, StandardCharsets.UTF_8).getBytes(StandardCharsets.UTF_8);
    }
    return bytes;
  }

  private Event whole(byte[] value) throws IOException, UnreadableException {
    try (JsonParser json = JSON.createParser(value)) {
      if (json.nextToken() != JsonToken.START_OBJECT) throw new UnreadableException();
      Event event = object(json, value);
      if (json.nextToken() != null) throw new UnreadableException();
      return event;
    }
  }

  /** Null where the record does not begin like the one before, or has more than a payload behind the schema. */
  private Event afterKnownSchema(byte[] value) throws UnreadableException {
    Prefix known = prefix;
    if (known == null || value.length < known.bytes.length + 2) return null;
    int start = known.bytes.length;
    if (value[start] != '{' || value[start + 1] == 0 || value[value.length - 1] != '}') return null;
    if (!Arrays.equals(value, 0, start, known.bytes, 0, start)) return null;
    if (scanner != null) {
      Event usual = scanner.scan(value, start, value.length - 1, known.declared, true);
      if (usual != null) return usual;
    }
    try (JsonParser json = JSON.createParser(value, start, value.length - 1 - start)) {
      json.nextToken();
      Parsed payload = payload(json);
      return json.nextToken() == null ? payload.event(known.declared) : null;
    } catch (IOException notOnlyPayload) {
      return null;
    }
  }

  private Event object(JsonParser json, byte[] value) throws IOException, UnreadableException {
    Parsed bare = empty();
    Parsed wrapped = null;
    boolean isScalar = false;
    Declared[] declared = undeclared;
    boolean hasPayload = false;
    boolean hasSchema = false;
    boolean hasOp = false;
    boolean hasOthers = false;
    for (String name; (name = json.nextFieldName()) != null; ) {
      JsonToken token = json.nextToken();
      if (name.equals("payload")) {
        boolean followsSchema = hasSchema && !hasPayload && !hasOthers;
        int start = (int) json.currentTokenLocation().getByteOffset();
        hasPayload = true;
        isScalar = token != JsonToken.START_OBJECT && token != JsonToken.VALUE_NULL;
        wrapped = token == JsonToken.START_OBJECT ? payload(json) : null;
        // A table may have columns of these names.
        if (isScalar) bare.member(name, json, token);
        else if (wrapped != null && followsSchema) remember(value, start, declared);
      } else if (name.equals("schema")) {
        hasSchema = true;
        if (token == JsonToken.START_OBJECT) declared = schema(json);
        else bare.member(name, json, token);
      } else {
        hasOthers = true;
        hasOp |= name.equals("op");
        bare.member(name, json, token);
      }
    }
    boolean isWrapped = hasPayload && (source.flattened() ? hasSchema && !hasOthers : !hasOp);
    if (!isWrapped) return bare.event(undeclared);
    if (isScalar) throw new UnreadableException();
    return wrapped == null ? NOTHING : wrapped.event(declared);
  }

  private Parsed empty() {
    return source.flattened() ? new Flattened() : new Envelope();
  }

  /** Of an object that has been opened. */
  private Parsed payload(JsonParser json) throws IOException {
    Parsed payload = empty();
    for (String name; (name = json.nextFieldName()) != null; ) payload.member(name, json, json.nextToken());
    return payload;
  }

  private void remember(byte[] value, int start, Declared[] declared) {
    int marked = start - PAYLOAD.length;
    if (marked > 0 && Arrays.equals(value, marked, start, PAYLOAD, 0, PAYLOAD.length)) {
      prefix = new Prefix(Arrays.copyOf(value, start), declared);
    }
  }

  /** The columns' parts of an event's schema: of the row after, or before where there is no other. */
  private Declared[] schema(JsonParser json) throws IOException {
    Declared[] row = null;
    Declared[] after = null;
    Declared[] own = new Declared[columns.size()];
    for (String name; (name = json.nextFieldName()) != null; ) {
      if (json.nextToken() != JsonToken.START_ARRAY || !name.equals("fields")) {
        json.skipChildren();
        continue;
      }
      while (json.nextToken() != JsonToken.END_ARRAY) {
        if (json.currentToken() != JsonToken.START_OBJECT) {
          json.skipChildren();
          continue;
        }
        Field field = field(json);
        if (field.members != null && "after".equals(field.field)) after = field.members;
        if (field.members != null && "before".equals(field.field)) row = field.members;
        Integer column = columns.get(field.field);
        if (column != null) own[column] = field.declared;
      }
    }
    if (source.flattened()) return own;
    if (after != null) return after;
    return row != null ? row : undeclared;
  }

  private record Field(String field, Declared declared, Declared[] members) {}

  private Field field(JsonParser json) throws IOException {
    String field = null;
    String type = null;
    String name = null;
    String scale = null;
    Declared[] members = null;
    for (String key; (key = json.nextFieldName()) != null; ) {
      JsonToken token = json.nextToken();
      if (isThere(token)) {
        switch (key) {
          case "field" -> field = json.getText();
          case "type" -> type = json.getText();
          case "name" -> name = json.getText();
          default -> {}
        }
      } else if (token == JsonToken.START_OBJECT && key.equals("parameters")) {
        for (String parameter; (parameter = json.nextFieldName()) != null; ) {
          if (isThere(json.nextToken()) && parameter.equals("scale")) scale = json.getText();
          else json.skipChildren();
        }
      } else if (token == JsonToken.START_ARRAY && key.equals("fields")) {
        members = new Declared[columns.size()];
        while (json.nextToken() != JsonToken.END_ARRAY) {
          if (json.currentToken() != JsonToken.START_OBJECT) {
            json.skipChildren();
            continue;
          }
          Field member = field(json);
          Integer column = columns.get(member.field);
          if (column != null) members[column] = member.declared;
        }
      } else {
        json.skipChildren();
      }
    }
    return new Field(field, new Declared(type, name, scale), members);
  }

  private static boolean isThere(JsonToken scalar) {
    return scalar.isScalarValue() && scalar != JsonToken.VALUE_NULL;
  }

  /** What has been read of an event so far. */
  private interface Parsed {
    void member(String name, JsonParser json, JsonToken token) throws IOException;

    Event event(Declared[] declared) throws UnreadableException;
  }

  private final class Envelope implements Parsed {
    private String op;
    private Cell[] before;
    private Cell[] after;
    private Cell schema;
    private Cell table;
    private Cell lsn;
    private Cell sequence;

    @Override
    public void member(String name, JsonParser json, JsonToken token) throws IOException {
      switch (name) {
        case "op" -> op = textOf(cell(json, token));
        case "before" -> before = image(json, token);
        case "after" -> after = image(json, token);
        case "source" -> {
          schema = table = lsn = sequence = null;
          if (token == JsonToken.START_OBJECT) origin(json);
          else json.skipChildren();
        }
        default -> json.skipChildren();
      }
    }

    private Cell[] image(JsonParser json, JsonToken token) throws IOException {
      if (token == JsonToken.VALUE_NULL) return null;
      if (token != JsonToken.START_OBJECT) {
        json.skipChildren();
        return NO_IMAGE;
      }
      Cell[] cells = new Cell[columns.size()];
      for (String name; (name = json.nextFieldName()) != null; ) {
        JsonToken value = json.nextToken();
        Integer column = columns.get(name);
        if (column == null) json.skipChildren();
        else cells[column] = cell(json, value);
      }
      return cells;
    }

    private void origin(JsonParser json) throws IOException {
      for (String name; (name = json.nextFieldName()) != null; ) {
        JsonToken token = json.nextToken();
        switch (name) {
          case "schema" -> schema = cell(json, token);
          case "table" -> table = cell(json, token);
          case "lsn" -> lsn = cell(json, token);
          case "sequence" -> sequence = cell(json, token);
          default -> json.skipChildren();
        }
      }
    }

    @Override
    public Event event(Declared[] declared) throws UnreadableException {
      if (before == NO_IMAGE || after == NO_IMAGE) throw new UnreadableException();
      boolean hasTable = isText(schema) && isText(table);
      Matcher places = SEQUENCE.matcher(isText(sequence) ? sequence.text() : "");
      boolean hasPlaces = places.matches();
      Long own = position(textOf(lsn));
      if (own == null && hasPlaces) own = position(places.group(2));
      Long commit = hasPlaces ? position(places.group(1)) : null;
      return new Event(op, before, after, hasTable, textOf(schema), textOf(table), commit, own, declared);
    }
  }

  /** A row without envelope, which is what it was, but for deletes. */
  private final class Flattened implements Parsed {
    private final Cell[] row = new Cell[columns.size()];
    private final Map<String, String> added = new HashMap<>();

    @Override
    public void member(String name, JsonParser json, JsonToken token) throws IOException {
      Integer column = columns.get(name);
      if (column != null) row[column] = cell(json, token);
      else if (name.startsWith("__")) added.put(name, textOf(cell(json, token)));
      else json.skipChildren();
    }

    @Override
    public Event event(Declared[] declared) {
      String given = added.get("__op");
      boolean isDeleted = "true".equals(added.get("__deleted")) || "d".equals(given);
      // Whether a row is new is not told everywhere; an update is the one that takes back.
      String op = isDeleted ? "d" : given != null ? given : source.appendOnly() ? "c" : "u";
      String table = first("__table", "__source_table");
      return new Event(
          op,
          isDeleted ? row : null,
          isDeleted ? null : row,
          true,
          source.schema(),
          table == null ? source.table() : table,
          null,
          position(first("__source_lsn", "__lsn", "__source.lsn")),
          declared);
    }

    private String first(String... names) {
      for (String name : names) if (added.get(name) != null) return added.get(name);
      return null;
    }
  }

  private static Cell cell(JsonParser json, JsonToken token) throws IOException {
    return switch (token) {
      case VALUE_NULL -> null;
      case VALUE_STRING -> new Cell(Cell.Kind.TEXT, json.getText(), null);
      case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> new Cell(Cell.Kind.NUMBER, json.getText(), null);
      case VALUE_TRUE, VALUE_FALSE -> new Cell(Cell.Kind.BOOLEAN, json.getText(), null);
      case START_OBJECT -> scaled(json);
      default -> {
        json.skipChildren();
        yield OTHER;
      }
    };
  }

  /** An unconstrained NUMERIC brings its scale along: {"scale":2,"value":"B88="}. */
  private static Cell scaled(JsonParser json) throws IOException {
    String scale = null;
    String value = null;
    for (String name; (name = json.nextFieldName()) != null; ) {
      JsonToken token = json.nextToken();
      if (name.equals("scale") && token == JsonToken.VALUE_NUMBER_INT) scale = json.getText();
      else if (name.equals("value") && token == JsonToken.VALUE_STRING) value = json.getText();
      else json.skipChildren();
    }
    return scale == null || value == null ? OTHER : new Cell(Cell.Kind.SCALED, value, scale);
  }

  private static boolean isText(Cell cell) {
    return cell != null && cell.kind() == Cell.Kind.TEXT;
  }

  private static String textOf(Cell cell) {
    return cell == null ? null : cell.text();
  }

  /** Null where it is no whole number that a place in the log can be. */
  private static Long position(String text) {
    if (text == null || text.isEmpty() || text.length() > 19) return null;
    long number = 0;
    for (int i = 0; i < text.length(); i++) {
      int digit = text.charAt(i) - '0';
      if (digit < 0 || digit > 9) return null;
      number = number * 10 + digit;
    }
    return number < 0 ? null : number;
  }
}
