package cdcfeatures;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import java.io.IOException;
import java.io.Serializable;
import java.io.StringWriter;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Pattern;
import org.apache.spark.TaskContext;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.api.java.UDF4;

/**
 * A window's features as a message of the features topic. A function of Spark: (the entity's columns, the window's start
 * and end in micros, the struct of {@link Fold}) to struct(key, value), both JSON or text; realtime.py tells what is in
 * them.
 */
public final class Publication implements UDF4<Row, Long, Long, Row, Row> {

  private static final long serialVersionUID = 1L;

  /** Of the job's thread: tells its messages from those of other runs. */
  static final String RUN = "cdcfeatures.run";

  private static final AtomicBoolean TOOK_TRUNCATE = new AtomicBoolean();
  private static final Pattern SPECIAL = Pattern.compile("[\\\\:]");
  private static final JsonFactory JSON = new JsonFactory();

  private final Declared declared;
  private transient Finishing finishing;

  /**
   * What realtime.py writes down.
   *
   * @param prefix of keys: the set's name and a colon
   * @param entityTypes in the definition's words
   */
  record Declared(
      String prefix, String[] entity, String[] entityTypes, List<Finishing.Feature> features, long lengthMs)
      implements Serializable {}

  /** @param declared the JSON of a {@link Declared} */
  public Publication(String declared) throws JsonProcessingException {
    this.declared =
        new ObjectMapper()
            .setPropertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .readValue(declared, Declared.class);
  }

  /** Whether a truncate has come by in this process since this was asked last. */
  public static boolean tookTruncate() {
    return TOOK_TRUNCATE.getAndSet(false);
  }

  @Override
  public Row call(Row entity, Long start, Long end, Row fold) throws IOException {
    if (finishing == null) finishing = new Finishing(declared.features(), declared.lengthMs());
    long count = fold.getAs("row_count");
    Long latest = fold.getAs("event_timestamp");
    Instant instant = Instant.now();
    long now = instant.getEpochSecond() * 1_000_000 + instant.getNano() / 1000;
    Row truncated = fold.getAs("truncated");
    if (truncated != null) TOOK_TRUNCATE.set(true);
    boolean isGone = count == 0;
    Object[] values = isGone ? null : finishing.finish(overRows(fold), count, latest, now);
    String key = truncated != null ? null : declared.prefix() + entityText(entity) + ":features";
    String window = String.format("%012d", Math.floorDiv(start, 1_000_000L));
    StringWriter text = new StringWriter();
    try (JsonGenerator json = JSON.createGenerator(text)) {
      json.writeStartObject();
      json.writeStringField("key", key);
      json.writeStringField("window", window);
      json.writeStringField("run", property(RUN));
      json.writeNumberField("batch", (long) fold.getAs("batch"));
      json.writeNumberField("count", (long) fold.getAs("records"));
      json.writeStringField("payload", isGone ? "" : payload(values, start, end, latest, now));
      json.writeNumberField("source_ms", (long) fold.getAs("source_ms"));
      json.writeObjectFieldStart("row");
      writeRow(json, entity, values, start, end, latest, now);
      json.writeEndObject();
      json.writeNumberField("duplicates", (long) fold.getAs("duplicates"));
      if (truncated == null) {
        json.writeNullField("truncated");
      } else {
        json.writeObjectFieldStart("truncated");
        json.writeNumberField("commit_lsn", truncated.getLong(0));
        json.writeNumberField("lsn", truncated.getLong(1));
        json.writeNumberField("rank", truncated.getInt(2));
        json.writeEndObject();
      }
      json.writeEndObject();
    }
    return RowFactory.create((key == null ? "truncated" : key) + "@" + window, text.toString());
  }

  private static String property(String name) {
    TaskContext task = TaskContext.get();
    return task == null ? null : task.getLocalProperty(name);
  }

  private Object[] overRows(Row fold) {
    List<Object> values = new ArrayList<>();
    for (Finishing.Feature feature : declared.features()) {
      if (feature.kind().equals("over_rows")) values.add(fold.getAs(feature.name()));
    }
    return values.toArray();
  }

  /** The key columns as one text, joined by colons; in keys of several columns one within is escaped. */
  private String entityText(Row entity) {
    String[] types = declared.entityTypes();
    if (types.length == 1) return Finishing.text(entity.get(0), types[0]);
    List<String> parts = new ArrayList<>();
    for (int i = 0; i < types.length; i++) {
      parts.add(SPECIAL.matcher(Finishing.text(entity.get(i), types[i])).replaceAll("\\\\$0"));
    }
    return String.join(":", parts);
  }

  /** What the online store's script takes: names and texts in turn. */
  private String payload(Object[] values, long start, long end, long latest, long now) throws IOException {
    StringWriter text = new StringWriter();
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

  /** For the offline store: each column as a text that Spark casts to its type; times are micros, dates days. */
  private void writeRow(
      JsonGenerator json, Row entity, Object[] values, long start, long end, Long latest, long now)
      throws IOException {
    for (int i = 0; i < declared.entity().length; i++) {
      Object part = entity.get(i);
      String type = declared.entityTypes()[i];
      column(json, declared.entity()[i], part == null ? null : Finishing.text(part, type));
    }
    column(json, "window_start", start);
    column(json, "window_end", end);
    for (int i = 0; i < declared.features().size(); i++) {
      column(json, declared.features().get(i).name(), values == null ? null : values[i]);
    }
    column(json, "event_timestamp", latest);
    column(json, "created_timestamp", now);
    column(json, "is_deleted", values == null);
  }

  private static void column(JsonGenerator json, String name, Object value) throws IOException {
    json.writeStringField(name, plain(value));
  }

  private static String plain(Object value) {
    if (value == null) return null;
    return value instanceof java.math.BigDecimal decimal ? decimal.toPlainString() : value.toString();
  }
}
