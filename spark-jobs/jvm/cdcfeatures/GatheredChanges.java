package cdcfeatures;

import cdcfeatures.RecordDecoder.Change;
import cdcfeatures.RecordDecoder.Verdict;
import com.fasterxml.jackson.core.JsonProcessingException;
import java.time.Instant;
import java.time.LocalDate;
import java.util.Arrays;
import java.util.Collections;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.StructType;

/**
 * A task's Kafka records decoded, and what they change gathered by the group of rows that it changes: Spark's operators
 * behind it, each of which looks at every row, have a row per group instead of one per record.
 */
public final class GatheredChanges implements MapPartitionsFunction<Row, Row> {

  private static final long serialVersionUID = 1L;

  /** A task gathers as much of its records before it goes on; several tasks share a heap. */
  private static final long MOST_BYTES = Math.min(Runtime.getRuntime().maxMemory() / 32, 64L << 20);
  private static final int BYTES_OF_GROUP = 300;

  /** The first six of a group; the others of all that was gathered, one for each class and two. */
  private static final int OF_GROUP = 6;
  private static final int COLUMNS = OF_GROUP + 5;

  private final RecordDecoder decoder;

  private GatheredChanges(RecordDecoder decoder) {
    this.decoder = decoder;
  }

  /**
   * @param records value, partition, offset, timestamp in micros
   * @param source the JSON of a {@link SourceTable}
   * @param result the JSON of the type of what comes out: debezium.py tells what that is
   */
  public static Dataset<Row> of(Dataset<Row> records, String source, String result) throws JsonProcessingException {
    GatheredChanges gather = new GatheredChanges(new RecordDecoder(source));
    return records.mapPartitions(gather, Encoders.row((StructType) DataType.fromJson(result)));
  }

  @Override
  public Iterator<Row> call(Iterator<Row> records) {
    return new Iterator<>() {
      private Iterator<Row> gathered = Collections.emptyIterator();

      @Override
      public boolean hasNext() {
        if (gathered.hasNext()) return true;
        if (!records.hasNext()) return false;
        // Not two at a time in the heap.
        gathered = Collections.emptyIterator();
        gathered = new Gathering(records).rows();
        return true;
      }

      @Override
      public Row next() {
        return gathered.next();
      }
    };
  }

  /** An entity and where its newest window starts, as bytes. */
  private static final class Key {
    private final byte[] bytes;
    private final int hash;

    Key(byte[] bytes) {
      this.bytes = bytes;
      // The usual 31 has most small numbers collide.
      int mixed = 0;
      for (byte one : bytes) mixed = (mixed ^ one) * 0x01000193;
      hash = mixed ^ mixed >>> 15;
    }

    @Override
    public boolean equals(Object other) {
      return other instanceof Key key && Arrays.equals(bytes, key.bytes);
    }

    @Override
    public int hashCode() {
      return hash;
    }
  }

  private static final class Group {
    private final Row entity;
    private final long home;
    private final Packed.Writer changes = new Packed.Writer(64);
    private long newestMs = Long.MIN_VALUE;
    private Long time;
    private long clock = Long.MIN_VALUE;

    Group(Row entity, long home) {
      this.entity = entity;
      this.home = home;
    }
  }

  /** Of as many records as make up the most bytes. */
  private final class Gathering {
    private final Map<Key, Group> groups = new LinkedHashMap<>();
    private final long[] counts = new long[4];
    private Long newestMs;
    private long bytes;

    /** {@code records} has some. */
    Gathering(Iterator<Row> records) {
      while (bytes < MOST_BYTES && records.hasNext()) {
        Row record = records.next();
        long timestamp = record.getLong(3);
        long timeMs = Math.floorDiv(timestamp, 1000L);
        Verdict verdict = decoder.verdict((byte[]) record.get(0), record.getLong(2), timestamp);
        counts[0]++;
        counts[RecordDecoder.CLASSES.indexOf(verdict.name()) + 1]++;
        if (newestMs == null || timeMs > newestMs) newestMs = timeMs;
        for (Change change : verdict.changes()) add(change, timeMs);
      }
    }

    private void add(Change change, long timeMs) {
      long home = change.home() == null ? decoder.home(change.time()) : change.home();
      Packed.Writer key = new Packed.Writer(24);
      for (int column : decoder.source().entity()) key.value(change.row()[column]);
      key.signed(home);
      Group group = groups.computeIfAbsent(new Key(key.toBytes()), added -> new Group(entity(change.row()), home));
      int before = group.changes.size();
      if (before == 0) bytes += BYTES_OF_GROUP;
      decoder.pack(change, group.changes);
      bytes += group.changes.size() - before;
      group.newestMs = Math.max(group.newestMs, timeMs);
      group.clock = Math.max(group.clock, Values.micros(change.clock()));
      if (change.time() == null) return;
      long time = Values.micros(change.time());
      if (group.time == null || time > group.time) group.time = time;
    }

    /** First what the records were, alone in a row; then each group. */
    Iterator<Row> rows() {
      Object[] counted = new Object[COLUMNS];
      for (int i = 0; i < counts.length; i++) counted[OF_GROUP + i] = counts[i];
      counted[COLUMNS - 1] = newestMs;
      return Stream.concat(Stream.of(RowFactory.create(counted)), groups.values().stream().map(this::row)).iterator();
    }

    private Row row(Group group) {
      Object[] told = new Object[COLUMNS];
      told[0] = group.entity;
      told[1] = group.time;
      told[2] = group.clock;
      told[3] = group.home;
      told[4] = group.changes.toBytes();
      told[5] = group.newestMs;
      return RowFactory.create(told);
    }
  }

  private Row entity(Object[] row) {
    int[] columns = decoder.source().entity();
    Object[] entity = new Object[columns.length];
    for (int i = 0; i < entity.length; i++) entity[i] = physical(row[columns[i]]);
    return RowFactory.create(entity);
  }

  private static Object physical(Object value) {
    if (value instanceof Instant time) return Values.micros(time);
    return value instanceof LocalDate date ? (Object) (int) date.toEpochDay() : value;
  }
}
