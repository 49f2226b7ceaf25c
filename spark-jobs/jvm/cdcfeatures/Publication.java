package cdcfeatures;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonProcessingException;
import java.io.IOException;
import java.io.StringWriter;
import java.math.BigDecimal;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.spark.TaskContext;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.api.java.UDF4;

/**
 * A window's features as a message of the features topic. A function of Spark: (the entity's columns, the window's start
 * and end in micros, the struct of {@link Fold}) to struct(key, value), both texts; publication.py tells what is in them.
 */
public final class Publication implements UDF4<Row, Long, Long, Row, Row> {

  private static final long serialVersionUID = 1L;

  /** Of the job's thread: tells its messages from those of other runs. */
  static final String RUN = "cdcfeatures.run";

  private static final AtomicBoolean TOOK_TRUNCATE = new AtomicBoolean();
  private static final JsonFactory JSON = new JsonFactory();

  private final WindowFeatures features;

  /** @param declared the JSON of a {@link WindowFeatures.Declared} */
  public Publication(String declared) throws JsonProcessingException {
    features = new WindowFeatures(declared);
  }

  /** Whether a truncate has come by in this process since this was asked last. */
  public static boolean tookTruncate() {
    return TOOK_TRUNCATE.getAndSet(false);
  }

  @Override
  public Row call(Row entity, Long start, Long end, Row fold) throws IOException {
    Instant instant = Instant.now();
    long now = instant.getEpochSecond() * 1_000_000 + instant.getNano() / 1000;
    Row truncated = fold.getAs("truncated");
    if (truncated != null) TOOK_TRUNCATE.set(true);
    Long latest = fold.getAs("event_timestamp");
    Object[] values = features.of(fold, now);
    String key = truncated != null ? null : features.key(entity);
    String window = String.format("%012d", Math.floorDiv(start, 1_000_000L));
    StringWriter text = new StringWriter(768);
    try (JsonGenerator json = JSON.createGenerator(text)) {
      json.writeStartObject();
      json.writeStringField("key", key);
      json.writeStringField("window", window);
      json.writeStringField("run", TaskContext.get().getLocalProperty(RUN));
      json.writeNumberField("batch", (long) fold.getAs("batch"));
      json.writeNumberField("count", (long) fold.getAs("records"));
      json.writeStringField("payload", values == null ? "" : features.payload(values, start, end, latest, now));
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

  /** For the offline store: each column as a text that Spark casts to its type; times are micros, dates days. */
  private void writeRow(
      JsonGenerator json, Row entity, Object[] values, long start, long end, Long latest, long now)
      throws IOException {
    for (int i = 0; i < features.entity().length; i++) {
      column(json, features.entity()[i], features.entityText(entity, i));
    }
    column(json, "window_start", start);
    column(json, "window_end", end);
    for (int i = 0; i < features.count(); i++) {
      column(json, features.features().get(i).name(), values == null ? null : values[i]);
    }
    column(json, "event_timestamp", latest);
    column(json, "created_timestamp", now);
    column(json, "is_deleted", values == null);
  }

  private static void column(JsonGenerator json, String name, Object value) throws IOException {
    json.writeStringField(name, value instanceof BigDecimal number ? number.toPlainString() : textOf(value));
  }

  private static String textOf(Object value) {
    return value == null ? null : value.toString();
  }
}
