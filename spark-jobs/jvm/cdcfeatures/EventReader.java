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
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNumberLength(Integer.MAX_VALUE)
                  .maxStringLength(Integer.MAX_VALUE)
                  .build())
          .build();
  private static final byte[] PAYLOAD = ",\"payload\":".getBytes(StandardCharsets.UTF_8);

  private final SourceTable source;
  private final Map<String, Integer> columns = new HashMap<>();
  private final Declared[] undeclared;
  private Prefix prefix;

  /** All that comes before the payload of a record; the next ones mostly begin with the same. */
  private record Prefix(byte[] bytes, Declared[] declared) {}

  EventReader(SourceTable source) {
    this.source = source;
    for (int i = 0; i < source.columns().size(); i++) columns.put(source.columns().get(i).name(), i);
    undeclared = new Declared[source.columns().size()];
  }

  Event read(byte[] value) throws UnreadableException {
    try {
      return parse(value);
    } catch (IOException malformed) {
      // Bytes that are no UTF-8 are read as every other reader of the log reads them.
      byte[] mended = new String(value, StandardCharsets.UTF_8).getBytes(StandardCharsets.UTF_8);
      if (Arrays.equals(mended, value)) throw new UnreadableException();
      try {
        return parse(mended);
      } catch (IOException stillMalformed) {
        throw new UnreadableException();
      }
    }
  }

  private Event parse(byte[] value) throws IOException, UnreadableException {
    // The parser would take a byte order mark, UTF-16 and UTF-32.
    for (int i = 0; i < Math.min(4, value.length); i++) if (value[i] == 0) throw new UnreadableException();
    if (value.length == 0 || value[0] < 0) throw new UnreadableException();
    Parsed known = afterKnownSchema(value);
    if (known != null) return known.event(source);
    try (JsonParser json = JSON.createParser(value)) {
      if (json.nextToken() != JsonToken.START_OBJECT) throw new UnreadableException();
      Parsed event = parsed(json, value);
      if (json.nextToken() != null) throw new UnreadableException();
      return event.event(source);
    }
  }

  /** Null where the record does not begin like the one before, or has more than a payload behind the schema. */
  private Parsed afterKnownSchema(byte[] value) throws UnreadableException {
    Prefix known = prefix;
    if (known == null || value.length <= known.bytes.length) return null;
    int start = known.bytes.length;
    if (!Arrays.equals(value, 0, start, known.bytes, 0, start) || value[value.length - 1] != '}') return null;
    try (JsonParser json = JSON.createParser(value, start, value.length - 1 - start)) {
      Parsed event = new Parsed();
      event.declared = known.declared;
      event.payload(json, json.nextToken());
      return json.nextToken() == null ? event : null;
    } catch (IOException notOnlyPayload) {
      return null;
    }
  }

  private Parsed parsed(JsonParser json, byte[] value) throws IOException, UnreadableException {
    Parsed bare = new Parsed();
    Parsed wrapped = null;
    Declared[] declared = undeclared;
    int members = 0;
    boolean hasSchema = false;
    boolean hasOp = false;
    for (String name; (name = json.nextFieldName()) != null; members++) {
      JsonToken token = json.nextToken();
      switch (name) {
        case "payload" -> {
          boolean followsSchema = hasSchema && members == 1;
          int start = (int) json.currentTokenLocation().getByteOffset();
          if (token == JsonToken.START_OBJECT || token == JsonToken.VALUE_NULL) {
            wrapped = new Parsed();
            wrapped.payload(json, token);
            if (followsSchema) remember(value, start, declared);
          } else {
            bare.cell(name, json, token);
            wrapped = null;
          }
        }
        case "schema" -> {
          hasSchema = true;
          if (token == JsonToken.START_OBJECT) declared = schema(json);
          else bare.cell(name, json, token);
        }
        default -> {
          hasOp |= name.equals("op");
          bare.member(name, json, token);
        }
      }
    }
    // A table may have columns of these names.
    boolean isWrapped = source.flattened() ? members == 2 && hasSchema : !hasOp;
    if (wrapped == null || !isWrapped) return bare;
    wrapped.declared = declared;
    return wrapped;
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
      if (token.isScalarValue() && token != JsonToken.VALUE_NULL) {
        switch (key) {
          case "field" -> field = json.getText();
          case "type" -> type = json.getText();
          case "name" -> name = json.getText();
          default -> {}
        }
      } else if (token == JsonToken.START_OBJECT && key.equals("parameters")) {
        for (String parameter; (parameter = json.nextFieldName()) != null; ) {
          if (json.nextToken().isScalarValue() && parameter.equals("scale")) scale = json.getText();
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

  /** What has been read of an event so far. */
  private final class Parsed {
    private Declared[] declared = undeclared;
    private String op;
    private Cell[] before;
    private Cell[] after;
    private boolean isMalformed;
    private Cell schema;
    private Cell table;
    private Cell lsn;
    private Cell sequence;
    // Of a flattened row.
    private boolean isNothing;
    private Cell[] row;
    private final Map<String, String> added = source.flattened() ? new HashMap<>() : null;

    void payload(JsonParser json, JsonToken token) throws IOException, UnreadableException {
      if (token == JsonToken.VALUE_NULL) {
        isNothing = true;
        return;
      }
      if (token != JsonToken.START_OBJECT) throw new UnreadableException();
      for (String name; (name = json.nextFieldName()) != null; ) member(name, json, json.nextToken());
    }

    void member(String name, JsonParser json, JsonToken token) throws IOException {
      if (source.flattened()) {
        cell(name, json, token);
        return;
      }
      switch (name) {
        case "op" -> op = textOf(cellOf(json, token));
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

    /** A member of a flattened row. */
    void cell(String name, JsonParser json, JsonToken token) throws IOException {
      Integer column = source.flattened() ? columns.get(name) : null;
      if (row == null && source.flattened()) row = new Cell[columns.size()];
      if (column != null) row[column] = cellOf(json, token);
      else if (source.flattened() && name.startsWith("__")) added.put(name, textOf(cellOf(json, token)));
      else json.skipChildren();
    }

    private Cell[] image(JsonParser json, JsonToken token) throws IOException {
      if (token != JsonToken.START_OBJECT) {
        isMalformed |= token != JsonToken.VALUE_NULL;
        json.skipChildren();
        return null;
      }
      Cell[] cells = new Cell[columns.size()];
      for (String name; (name = json.nextFieldName()) != null; ) {
        JsonToken value = json.nextToken();
        Integer column = columns.get(name);
        if (column != null) cells[column] = cellOf(json, value);
        else json.skipChildren();
      }
      return cells;
    }

    private void origin(JsonParser json) throws IOException {
      for (String name; (name = json.nextFieldName()) != null; ) {
        JsonToken token = json.nextToken();
        switch (name) {
          case "schema" -> schema = cellOf(json, token);
          case "table" -> table = cellOf(json, token);
          case "lsn" -> lsn = cellOf(json, token);
          case "sequence" -> sequence = cellOf(json, token);
          default -> json.skipChildren();
        }
      }
    }

    Event event(SourceTable source) throws UnreadableException {
      if (isMalformed) throw new UnreadableException();
      if (source.flattened()) return flattened(source);
      boolean hasTable = isText(schema) && isText(table);
      Long[] places = places(isText(sequence) ? sequence.text() : "");
      Long own = position(textOf(lsn));
      if (own == null) own = places[1];
      return new Event(op, before, after, hasTable, textOf(schema), textOf(table), places[0], own, declared);
    }

    /** A row without envelope, which is what it was, but for deletes. */
    private Event flattened(SourceTable source) {
      if (isNothing) return new Event(null, null, null, true, null, null, null, null, declared);
      if (row == null) row = new Cell[columns.size()];
      boolean isDeleted = "true".equals(added.get("__deleted")) || "d".equals(added.get("__op"));
      String given = added.get("__op");
      String op = isDeleted ? "d" : given == null ? "u" : given;
      String table = first("__table", "__source_table");
      Long lsn = position(first("__source_lsn", "__lsn", "__source.lsn"));
      return new Event(
          op,
          isDeleted ? row : null,
          isDeleted ? null : row,
          true,
          source.schema(),
          table == null ? source.table() : table,
          null,
          lsn,
          declared);
    }

    private String first(String... names) {
      for (String name : names) if (added.get(name) != null) return added.get(name);
      return null;
    }
  }

  private static Cell cellOf(JsonParser json, JsonToken token) throws IOException {
    return switch (token) {
      case VALUE_NULL -> null;
      case VALUE_STRING -> new Cell(Cell.Kind.TEXT, json.getText());
      case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> new Cell(Cell.Kind.NUMBER, json.getText());
      case VALUE_TRUE, VALUE_FALSE -> new Cell(Cell.Kind.BOOLEAN, json.getText());
      case START_OBJECT -> scaled(json);
      default -> {
        json.skipChildren();
        yield new Cell(Cell.Kind.OTHER, "");
      }
    };
  }

  /** An unconstrained NUMERIC brings its scale along: {"scale":2,"value":"B88="}; as the text {@code 2 B88=}. */
  private static Cell scaled(JsonParser json) throws IOException {
    String scale = null;
    String value = null;
    for (String name; (name = json.nextFieldName()) != null; ) {
      JsonToken token = json.nextToken();
      if (name.equals("scale") && token == JsonToken.VALUE_NUMBER_INT) scale = json.getText();
      else if (name.equals("value") && token == JsonToken.VALUE_STRING) value = json.getText();
      else json.skipChildren();
    }
    if (scale == null || value == null) return new Cell(Cell.Kind.OTHER, "");
    return new Cell(Cell.Kind.SCALED, scale + " " + value);
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

  /** A JSON text of [last commit's LSN or null, LSN]. */
  private static Long[] places(String sequence) {
    Long[] places = new Long[2];
    int comma = sequence.indexOf(',');
    if (comma < 0 || !sequence.startsWith("[") || !sequence.endsWith("]")) return places;
    places[0] = position(unquoted(sequence, 1, comma));
    places[1] = position(unquoted(sequence, comma + 1, sequence.length() - 1));
    return places;
  }

  private static String unquoted(String text, int from, int to) {
    while (from < to && (text.charAt(from) == ' ' || text.charAt(from) == '"')) from++;
    while (from < to && (text.charAt(to - 1) == ' ' || text.charAt(to - 1) == '"')) to--;
    return text.substring(from, to);
  }
}
