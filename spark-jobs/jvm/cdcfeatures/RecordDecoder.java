package cdcfeatures;

import cdcfeatures.Event.Cell;
import cdcfeatures.SourceTable.Column;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import java.time.Instant;
import java.util.Arrays;
import java.util.Objects;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.api.java.UDF4;

/**
 * Debezium's envelope: from a Kafka record to what happened to a row. A function of Spark: (value, partition, offset,
 * timestamp in micros) to struct(class, reason, changes); debezium.py tells what they are and writes down the types.
 */
public final class RecordDecoder implements UDF4<byte[], Integer, Long, Long, Row> {

  private static final long serialVersionUID = 1L;

  private static final String APPLIED = "applied";
  private static final String IGNORED = "ignored";
  private static final String DEAD_LETTER = "dead_letter";
  private static final String NEEDS_FULL =
      "the event does not hold the row as it was: the table needs REPLICA IDENTITY FULL";
  private static final int MOST_OF_AN_OPERATION = 40;

  private final SourceTable source;
  private transient EventReader reader;

  /** @param source the JSON of a {@link SourceTable} */
  public RecordDecoder(String source) throws JsonProcessingException {
    this.source =
        new ObjectMapper()
            .setPropertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .readValue(source, SourceTable.class);
  }

  @Override
  public Row call(byte[] value, Integer partition, Long offset, Long timestamp) {
    if (value == null) return verdict(IGNORED, null);
    if (reader == null) reader = new EventReader(source);
    try {
      return new Decoding(reader.read(value), partition, offset, timestamp).verdict();
    } catch (EventReader.UnreadableException unreadable) {
      return verdict(DEAD_LETTER, "the value is not the JSON of an event");
    }
  }

  private static Row verdict(String name, String reason, Object... changes) {
    return RowFactory.create(name, reason, Arrays.asList(changes));
  }

  /** One event on its way through the rules; the first that holds decides. */
  private final class Decoding {
    private final Event event;
    private final String op;
    private final int partition;
    private final long offset;
    private final long timestamp;

    Decoding(Event event, int partition, long offset, long timestamp) {
      this.event = event;
      this.op = event.op();
      this.partition = partition;
      this.offset = offset;
      this.timestamp = timestamp;
    }

    Row verdict() {
      if (event.isEmpty()) return RecordDecoder.verdict(IGNORED, null);
      if (!event.hasTable()) return dead("the event does not say of which table it is");
      if (!event.table().equals(source.table()) || !event.schema().equals(source.schema()) || "m".equals(op)) {
        return RecordDecoder.verdict(IGNORED, null);
      }
      if (op == null || op.length() != 1 || "crudt".indexOf(op) < 0) {
        String shown = String.valueOf(op);
        return dead("unknown operation " + shown.substring(0, Math.min(shown.length(), MOST_OF_AN_OPERATION)));
      }
      boolean changesRow = op.equals("u") || op.equals("d");
      if (source.appendOnly() && (changesRow || op.equals("t"))) {
        String done = op.equals("u") ? "an update" : op.equals("d") ? "a delete" : "a truncate";
        return dead("the definition says append_only, and this is " + done);
      }
      if (op.equals("t")) return RecordDecoder.verdict(APPLIED, null, truncation());
      return ofRow(changesRow);
    }

    private Row ofRow(boolean changesRow) {
      boolean isDelete = op.equals("d");
      Cell[] before = event.before();
      Cell[] now = isDelete ? before : event.after();
      if (!isDelete && now == null) return dead("the event holds no row");
      if (source.tellsThePast() && changesRow && before == null) return dead(NEEDS_FULL);
      if (now == null) return dead("the event holds no row");
      for (int key : source.primaryKey()) {
        if (now[key] == null) return dead("the primary key " + name(key) + " is missing");
      }
      // Without the row as it was, it was where it is: the definition's rules have seen to it.
      Cell[] old = source.tellsThePast() || isDelete ? before : now;
      Object[] then = changesRow ? decoded(old, source.place()) : null;
      Object[] row = isDelete ? then : decodedAfter(now);
      for (int key : source.primaryKey()) if (row[key] == null) return dead(undecodable(key));
      boolean tellsOld = source.fullIdentity() && (isDelete || (changesRow && !source.flattened()));
      if (tellsOld && tellsOnlyKey(old)) return dead(NEEDS_FULL);

      boolean wasCounted = then != null && allThere(then, source.place());
      boolean isNowhere = isDelete;
      for (int column : source.entity()) isNowhere |= now[column] == null;
      if (isNowhere) {
        return wasCounted
            ? RecordDecoder.verdict(APPLIED, null, gone(then, 0, home(then)))
            : RecordDecoder.verdict(IGNORED, null);
      }
      String unreadable = null;
      for (int i = 0; i < row.length && unreadable == null; i++) {
        if (now[i] != null && row[i] == null) unreadable = undecodable(i);
      }
      if (unreadable == null && now[source.eventTime()] == null) {
        unreadable = "the event time " + name(source.eventTime()) + " is missing";
      }
      if (unreadable != null) {
        // It is counted as a dead letter. One that is a spoilt copy of a good event is older than that.
        return wasCounted ? RecordDecoder.verdict(DEAD_LETTER, unreadable, gone(then, -1, null)) : dead(unreadable);
      }
      boolean hasMoved = wasCounted && !isSamePlace(row, then);
      return hasMoved
          ? RecordDecoder.verdict(APPLIED, null, upsert(row), gone(then, 0, null))
          : RecordDecoder.verdict(APPLIED, null, upsert(row));
    }

    private Row dead(String reason) {
      return RecordDecoder.verdict(DEAD_LETTER, reason);
    }

    private String undecodable(int column) {
      return "column " + name(column) + " does not hold a " + source.columns().get(column).type();
    }

    private boolean tellsOnlyKey(Cell[] before) {
      boolean hasMore = false;
      for (int i = 0; i < before.length; i++) {
        if (source.isKey(i)) continue;
        if (before[i] != null) return false;
        hasMore = true;
      }
      return hasMore;
    }

    // --- Decoding --------------------------------------------------------------------------------------------------

    private Object[] decodedAfter(Cell[] after) {
      Object[] values = new Object[after.length];
      for (int i = 0; i < values.length; i++) values[i] = decoded(i, filled(after[i], i));
      return values;
    }

    private Object[] decoded(Cell[] image, int[] columns) {
      Object[] values = new Object[image.length];
      for (int column : columns) values[column] = decoded(column, image[column]);
      return values;
    }

    private Object decoded(int index, Cell cell) {
      Column column = source.columns().get(index);
      long margin = index == source.eventTime() ? source.marginMicros() : 0;
      return Values.decoded(column, cell, event.declared()[index], margin);
    }

    /** A large value that an update left out (TOAST) is as it was before. */
    private Cell filled(Cell now, int column) {
      boolean isText = source.columns().get(column).type().equals("text");
      if (now == null || event.before() == null || !isText || !now.text().equals(Values.UNAVAILABLE)) return now;
      Cell before = event.before()[column];
      return before == null ? now : before;
    }

    // --- Changes ---------------------------------------------------------------------------------------------------

    private Row upsert(Object[] row) {
      Instant time = (Instant) row[source.eventTime()];
      Row values = picked(row, source.inputs());
      return change(picked(row, source.entity()), time, clock(time), picked(row, source.primaryKey()), 1, values, home(row));
    }

    /** @param home null where the record is counted elsewhere: it is there once per record */
    private Row gone(Object[] row, int rank, Long home) {
      Instant time = (Instant) row[source.eventTime()];
      return change(picked(row, source.entity()), time, clock(time), picked(row, source.primaryKey()), rank, null, home);
    }

    private Row truncation() {
      Instant time = Values.instant(timestamp);
      Row entity = RowFactory.create(new Object[source.entity().length]);
      Row key = RowFactory.create(new Object[source.primaryKey().length]);
      return change(entity, time, Instant.EPOCH, key, 0, null, home(time));
    }

    /** Where the row is from now on, or is no more: leaving comes before being there, as a key changes at one place. */
    private Row change(Row entity, Instant time, Instant clock, Row key, int rank, Row values, Long home) {
      Long lsn = event.lsn() == null ? (Long) offset : event.lsn();
      Long commitLsn = event.commitLsn() == null ? lsn : event.commitLsn();
      if (source.packed()) {
        byte[] packed = RowVersions.change(packed(key), commitLsn, lsn, rank, values == null ? null : packed(values));
        return RowFactory.create(entity, time, clock, home, packed, Math.floorDiv(timestamp, 1000L));
      }
      Row version = RowFactory.create(commitLsn, lsn, rank);
      Row at = RowFactory.create(partition, offset, home);
      return RowFactory.create(entity, time, clock, RowFactory.create(key, version, values == null, values, at));
    }

    /** A snapshot comes in no order of time, and a wrong clock may be ahead of the log. */
    private Instant clock(Instant time) {
      if (op.equals("r")) return Instant.EPOCH;
      Instant written = Values.instant(timestamp);
      return time == null || written.isBefore(time) ? written : time;
    }

    private Long home(Object[] row) {
      return home((Instant) row[source.eventTime()]);
    }

    private Long home(Instant time) {
      if (source.homeStepMicros() == null) return 0L;
      if (time == null) return null;
      long step = source.homeStepMicros();
      return Math.floorDiv(Values.micros(time), step) * step;
    }

    private boolean isSamePlace(Object[] row, Object[] then) {
      for (int column : source.primaryKey()) if (!row[column].equals(then[column])) return false;
      for (int column : source.entity()) if (!row[column].equals(then[column])) return false;
      return Objects.equals(home(row), home(then));
    }
  }

  private String name(int column) {
    return source.columns().get(column).name();
  }

  private static boolean allThere(Object[] row, int[] columns) {
    for (int column : columns) if (row[column] == null) return false;
    return true;
  }

  private static byte[] packed(Row row) {
    Packed.Writer writer = new Packed.Writer(16 * row.size());
    for (int i = 0; i < row.size(); i++) writer.value(row.get(i));
    return writer.toBytes();
  }

  private static Row picked(Object[] row, int[] columns) {
    Object[] values = new Object[columns.length];
    for (int i = 0; i < columns.length; i++) values[i] = row[columns[i]];
    return RowFactory.create(values);
  }
}
