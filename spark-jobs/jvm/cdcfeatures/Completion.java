package cdcfeatures;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.io.IOException;
import org.apache.spark.TaskContext;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.api.java.UDF4;

/**
 * A window's features for a micro-batch's stores. A function of Spark: (the entity's columns, the window's start and end in
 * micros, the struct of its aggregates) to struct(key, payload, each feature): what the online store's script takes,
 * and a feature as a number where it is a time or a date. All but the key is null when no row is left.
 */
public final class Completion implements UDF4<Row, Long, Long, Row, Row> {

  private static final long serialVersionUID = 1L;

  /** Of the job's thread: as of when features are computed, in micros. */
  static final String NOW = "cdcfeatures.now";

  private final WindowFeatures features;

  /** @param declared the JSON of a {@link WindowFeatures.Declared} */
  public Completion(String declared) throws JsonProcessingException {
    features = new WindowFeatures(declared);
  }

  @Override
  public Row call(Row entity, Long start, Long end, Row aggregates) throws IOException {
    if (entity.isNullAt(0)) return null;
    long now = Long.parseLong(TaskContext.get().getLocalProperty(NOW));
    Object[] values = features.of(aggregates, now);
    Object[] told = new Object[features.count() + 2];
    told[0] = features.key(entity);
    if (values != null) {
      told[1] = features.payload(values, start, end, aggregates.getAs("event_timestamp"), now);
      System.arraycopy(values, 0, told, 2, values.length);
    }
    return RowFactory.create(told);
  }
}
