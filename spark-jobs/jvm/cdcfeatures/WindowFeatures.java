package cdcfeatures;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import java.io.IOException;
import java.io.Serializable;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.apache.spark.sql.Row;

/** From the aggregates of an entity's window to all its features, and to what the online store holds of them. */
final class WindowFeatures implements Serializable {

  private static final long serialVersionUID = 1L;
  private static final Pattern SPECIAL = Pattern.compile("[\\\\:]");
  private static final JsonFactory JSON = new JsonFactory();

  private final Declared declared;
  private transient Finishing finishing;

  /**
   * What finishing.py writes down.
   *
   * @param prefix of keys: the set's name and a colon
   * @param entityTypes in the definition's words
   */
  record Declared(
      String prefix, String[] entity, String[] entityTypes, List<Finishing.Feature> features, long lengthMs)
      implements Serializable {}

  WindowFeatures(String declared) throws JsonProcessingException {
    this.declared =
        new ObjectMapper()
            .setPropertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .readValue(declared, Declared.class);
  }

  int count() {
    return declared.features().size();
  }

  List<Finishing.Feature> features() {
    return declared.features();
  }

  String[] entity() {
    return declared.entity();
  }

  /** A key column as a text. */
  String entityText(Row entity, int column) {
    Object value = entity.get(column);
    return value == null ? null : Finishing.text(value, declared.entityTypes()[column]);
  }

  /** The online store's key. Key columns are joined by colons; in keys of several, one within is escaped. */
  String key(Row entity) {
    int columns = declared.entity().length;
    List<String> parts = new ArrayList<>();
    for (int i = 0; i < columns; i++) {
      String text = entityText(entity, i);
      parts.add(columns == 1 ? text : SPECIAL.matcher(text).replaceAll("\\\\$0"));
    }
    return declared.prefix() + String.join(":", parts) + ":features";
  }

  /**
   * The features in the definition's order, null when the window has no row. A time is micros, a date days.
   *
   * @param aggregates with {@code row_count}, {@code event_timestamp} and each feature over rows
   */
  Object[] of(Row aggregates, long nowMicros) {
    long count = aggregates.getAs("row_count");
    if (count == 0) return null;
    if (finishing == null) finishing = new Finishing(declared.features(), declared.lengthMs());
    List<Object> overRows = new ArrayList<>();
    for (Finishing.Feature feature : declared.features()) {
      if (feature.kind().equals("over_rows")) overRows.add(aggregates.getAs(feature.name()));
    }
    return finishing.finish(overRows.toArray(), count, aggregates.getAs("event_timestamp"), nowMicros);
  }

  /** What the online store's script takes: names and texts in turn, as JSON. */
  String payload(Object[] values, long start, long end, long latest, long now) throws IOException {
    StringWriter text = new StringWriter(256);
    try (JsonGenerator json = JSON.createGenerator(text)) {
      json.writeStartArray();
      for (int i = 0; i < values.length; i++) {
        Finishing.Feature feature = declared.features().get(i);
        if (values[i] != null) member(json, feature.name(), Finishing.text(values[i], feature.type()));
      }
      member(json, "_window_start", Finishing.iso(start));
      member(json, "_window_end", Finishing.iso(end));
      member(json, "_event_time", Finishing.iso(latest));
      member(json, "_computed_at", Finishing.iso(now));
      json.writeEndArray();
    }
    return text.toString();
  }

  private static void member(JsonGenerator json, String name, String value) throws IOException {
    json.writeString(name);
    json.writeString(value);
  }
}
