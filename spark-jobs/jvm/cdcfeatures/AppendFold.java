package cdcfeatures;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.Encoder;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.expressions.Aggregator;
import org.apache.spark.sql.expressions.UserDefinedFunction;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.StructType;
import scala.Tuple3;

/** As {@link Fold}, of a set whose rows never change: it keeps no rows, and a record that comes twice counts twice. */
public final class AppendFold extends Aggregator<Tuple3<byte[], Boolean, Long>, Aggregates, Row> {

  private static final long serialVersionUID = 1L;

  private final Fold.Declared declared;
  private final StructType result;

  private AppendFold(Fold.Declared declared, StructType result) {
    this.declared = declared;
    this.result = result;
  }

  /** As {@link Fold#function}. */
  public static UserDefinedFunction function(String declared, String result) throws JsonProcessingException {
    AppendFold fold = new AppendFold(Fold.declared(declared), Fold.type(result));
    return functions.udaf(fold, Fold.INPUT);
  }

  @Override
  public Aggregates zero() {
    return new Aggregates();
  }

  @Override
  public Aggregates reduce(Aggregates aggregates, Tuple3<byte[], Boolean, Long> change) {
    // No record is a duplicate here, so where it would count as one does not matter.
    aggregates.add(declared, change._1(), change._3());
    return aggregates;
  }

  @Override
  public Aggregates merge(Aggregates aggregates, Aggregates others) {
    aggregates.merge(declared, others);
    return aggregates;
  }

  @Override
  public Row finish(Aggregates aggregates) {
    List<Object> columns = new ArrayList<>();
    aggregates.of(declared).addResults(columns);
    aggregates.arrivals().addTo(columns);
    columns.add(null);
    return RowFactory.create(columns.toArray());
  }

  @Override
  public Encoder<Aggregates> bufferEncoder() {
    return Encoders.bean(Aggregates.class);
  }

  @Override
  public Encoder<Row> outputEncoder() {
    return Encoders.row(result);
  }
}
