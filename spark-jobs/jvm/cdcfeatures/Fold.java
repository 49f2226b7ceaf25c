package cdcfeatures;

import cdcfeatures.Packed.Type;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.TaskContext;
import org.apache.spark.sql.Encoder;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.expressions.Aggregator;
import org.apache.spark.sql.expressions.UserDefinedFunction;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.StructType;
import scala.Tuple3;

/**
 * The fold of a set whose rows change: (the bytes of changes, whether they count here, the time of their newest record in
 * ms) of a group to
 * what state.py declares.
 * That is either the aggregates of the rows that exist, or, for a set as of now, these rows.
 */
public final class Fold extends Aggregator<Tuple3<byte[], Boolean, Long>, RowVersions, Row> {

  private static final long serialVersionUID = 1L;

  /** Of the job's thread: up to which version rows are gone since their table was truncated, as {@code commit,lsn,rank}. */
  static final String TRUNCATED = "cdcfeatures.truncated";

  static final Encoder<Tuple3<byte[], Boolean, Long>> INPUT =
      Encoders.tuple(Encoders.BINARY(), Encoders.BOOLEAN(), Encoders.LONG());

  private final Declared declared;
  private final StructType result;

  /**
   * What state.py writes down.
   *
   * @param eventTime index in {@code values}
   * @param givesRows whether the rows themselves are wanted
   */
  record Declared(Type[] key, Type[] values, int eventTime, boolean givesRows, List<Aggregation.Declared> features)
      implements Serializable {}

  private Fold(Declared declared, StructType result) {
    this.declared = declared;
    this.result = result;
  }

  /**
   * As a function of Spark.
   *
   * @param declared the JSON of a {@link Declared}
   * @param result the JSON of the type of what comes out
   */
  public static UserDefinedFunction function(String declared, String result) throws JsonProcessingException {
    return functions.udaf(new Fold(declared(declared), type(result)), INPUT);
  }

  static Declared declared(String json) throws JsonProcessingException {
    return new ObjectMapper()
        .setPropertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
        .readValue(json, Declared.class);
  }

  static StructType type(String json) {
    return (StructType) DataType.fromJson(json);
  }

  @Override
  public RowVersions zero() {
    return new RowVersions();
  }

  @Override
  public RowVersions reduce(RowVersions rows, Tuple3<byte[], Boolean, Long> change) {
    rows.add(change._1(), change._2(), change._3());
    return rows;
  }

  @Override
  public RowVersions merge(RowVersions rows, RowVersions others) {
    rows.merge(others);
    return rows;
  }

  @Override
  public Row finish(RowVersions versions) {
    RowReader reader = new RowReader(versions.rows(), declared.key(), declared.values());
    long[] truncated = truncated();
    Row truncation = null;
    Aggregation aggregation = declared.givesRows() ? null : new Aggregation(declared);
    List<Row> rows = new ArrayList<>();
    while (reader.next()) {
      // Only a truncate has no key, and its group nothing else.
      if (reader.isGone() && reader.key()[0] == null) {
        truncation = RowFactory.create(reader.commitLsn, reader.lsn, reader.rank());
      }
      if (reader.isGone() || !isAfter(reader, truncated)) continue;
      if (aggregation != null) aggregation.add(reader);
      else rows.add(row(reader));
    }
    List<Object> columns = new ArrayList<>();
    if (aggregation != null) aggregation.addResults(columns);
    else columns.add(rows.toArray());
    versions.arrivals().addTo(columns);
    columns.add(truncation);
    return RowFactory.create(columns.toArray());
  }

  private Row row(RowReader reader) {
    Object[] values = reader.values();
    return RowFactory.create(values[declared.eventTime()], RowFactory.create(reader.key()), RowFactory.create(values));
  }

  private static long[] truncated() {
    TaskContext task = TaskContext.get();
    String given = task == null ? null : task.getLocalProperty(TRUNCATED);
    if (given == null) return null;
    String[] parts = given.split(",");
    return new long[] {Long.parseLong(parts[0]), Long.parseLong(parts[1]), Long.parseLong(parts[2])};
  }

  private static boolean isAfter(RowReader row, long[] truncated) {
    if (truncated == null) return true;
    if (row.commitLsn != truncated[0]) return row.commitLsn > truncated[0];
    if (row.lsn != truncated[1]) return row.lsn > truncated[1];
    return row.rank() > truncated[2];
  }

  @Override
  public Encoder<RowVersions> bufferEncoder() {
    return Encoders.bean(RowVersions.class);
  }

  @Override
  public Encoder<Row> outputEncoder() {
    return Encoders.row(result);
  }
}
