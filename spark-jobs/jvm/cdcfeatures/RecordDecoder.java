package cdcfeatures;

import cdcfeatures.Event.Cell;
import cdcfeatures.SourceTable.Column;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
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
  /** In the order in which they are counted. */
  static final List<String> CLASSES = List.of(APPLIED, IGNORED, DEAD_LETTER);

  private static final String NEEDS_FULL =
      "the event does not hold the row as it was: the table needs REPLICA IDENTITY FULL";
  private static final int MOST_OF_AN_OPERATION = 40;

  private final SourceTable source;
  private transient EventReader reader;
  // Of one change at a time.
  private transient Packed.Writer key;
  private transient Packed.Writer values;

  /** @param source the JSON of a {@link SourceTable} */
  public RecordDecoder(String source) throws JsonProcessingException {
    this.source =
        new ObjectMapper()
            .setPropertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .readValue(source, SourceTable.class);
  }

  @Override
  public Row call(byte[] value, Integer partition, Long offset, Long timestamp) {
    Verdict verdict = verdict(value, offset, timestamp);
    Object[] changes = new Object[verdict.changes().length];
    for (int i = 0; i < changes.length; i++) {
      changes[i] = row(verdict.changes()[i], partition, offset, Math.floorDiv(timestamp, 1000L));
    }
    return RowFactory.create(verdict.name(), verdict.reason(), Arrays.asList(changes));
  }

  /**
   * What becomes of a record: applied, ignored or a dead letter.
   *
   * @param reason of a dead letter
   */
  record Verdict(String name, String reason, Change... changes) {}

  /**
   * What happened to a row.
   *
   * @param row by the definition's columns; those that a change does not tell are null
   * @param time of its event, null where that does not matter and is not known
   * @param home where the newest window of it starts (micros), null where a record is counted by another of its changes
   * @param rank leaving a place comes before being there, as a key changes at one position
   */
  record Change(
      Object[] row, Instant time, Instant clock, Long home, long commitLsn, long lsn, int rank, boolean isGone) {}

  Verdict verdict(byte[] value, long offset, long timestamp) {
    if (value == null) return new Verdict(IGNORED, null);
    if (reader == null) reader = new EventReader(source);
    try {
      return new Decoding(reader.read(value), offset, timestamp).verdict();
    } catch (EventReader.UnreadableException unreadable) {
      return new Verdict(DEAD_LETTER, "the value is not the JSON of an event");
    }
  }

  SourceTable source() {
    return source;
  }

  private Row row(Change change, int partition, long offset, long timeMs) {
    Row entity = picked(change.row(), source.entity());
    if (source.packed()) {
      Packed.Writer packed = new Packed.Writer(64);
      pack(change, packed);
      return RowFactory.create(entity, change.time(), change.clock(), change.home(), packed.toBytes(), timeMs);
    }
    Row row =
        RowFactory.create(
            picked(change.row(), source.primaryKey()),
            RowFactory.create(change.commitLsn(), change.lsn(), change.rank()),
            change.isGone(),
            change.isGone() ? null : picked(change.row(), source.inputs()),
            RowFactory.create(partition, offset, change.home()));
    return RowFactory.create(entity, change.time(), change.clock(), row);
  }

  /** As {@link RowVersions} and {@link RowReader} read it. */
  void pack(Change change, Packed.Writer to) {
    if (key == null) {
      key = new Packed.Writer(16);
      values = new Packed.Writer(64);
    }
    key.clear();
    for (int column : source.primaryKey()) key.value(change.row()[column]);
    values.clear();
    if (!change.isGone()) for (int column : source.inputs()) values.value(change.row()[column]);
    RowVersions.writeChange(to, change, key, values);
  }

  /** Where a change counts: event times within one step are in the same windows. */
  long home(Instant time) {
    if (source.homeStepMicros() == null || time == null) return 0;
    long step = source.homeStepMicros();
    return Math.floorDiv(Values.micros(time), step) * step;
  }

  /** One event on its way through the rules; the first that holds decides. */
  private final class Decoding {
    private final Event event;
    private final String op;
    private final long offset;
    private final long timestamp;

    Decoding(Event event, long offset, long timestamp) {
      this.event = event;
      this.op = event.op();
      this.offset = offset;
      this.timestamp = timestamp;
    }

    Verdict verdict() {
      if (event.isEmpty()) return new Verdict(IGNORED, null);
      if (!event.hasTable()) return dead("the event does not say of which table it is");
      if (!event.table().equals(source.table()) || !event.schema().equals(source.schema()) || "m".equals(op)) {
        return new Verdict(IGNORED, null);
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
      if (op.equals("t")) return new Verdict(APPLIED, null, truncation());
      return ofRow(changesRow);
    }

    private Verdict ofRow(boolean changesRow) {
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
            ? new Verdict(APPLIED, null, gone(then, 0, home(then)))
            : new Verdict(IGNORED, null);
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
        return wasCounted ? new Verdict(DEAD_LETTER, unreadable, gone(then, -1, null)) : dead(unreadable);
      }
      boolean hasMoved = wasCounted && !isSamePlace(row, then);
      return hasMoved
          ? new Verdict(APPLIED, null, upsert(row), gone(then, 0, null))
          : new Verdict(APPLIED, null, upsert(row));
    }

    private Verdict dead(String reason) {
      return new Verdict(DEAD_LETTER, reason);
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

    private Change upsert(Object[] row) {
      Instant time = (Instant) row[source.eventTime()];
      return change(row, time, clock(time), 1, false, home(row));
    }

    /** @param home null where the record is counted elsewhere: it is there once per record */
    private Change gone(Object[] row, int rank, Long home) {
      Instant time = (Instant) row[source.eventTime()];
      return change(row, time, clock(time), rank, true, home);
    }

    private Change truncation() {
      Instant time = Values.instant(timestamp);
      return change(new Object[source.columns().size()], time, Instant.EPOCH, 0, true, RecordDecoder.this.home(time));
    }

    private Change change(Object[] row, Instant time, Instant clock, int rank, boolean isGone, Long home) {
      long lsn = event.lsn() == null ? offset : event.lsn();
      long commitLsn = event.commitLsn() == null ? lsn : event.commitLsn();
      return new Change(row, time, clock, home, commitLsn, lsn, rank, isGone);
    }

    /** A snapshot comes in no order of time, and a wrong clock may be ahead of the log. */
    private Instant clock(Instant time) {
      if (op.equals("r")) return Instant.EPOCH;
      Instant written = Values.instant(timestamp);
      return time == null || written.isBefore(time) ? written : time;
    }

    private Long home(Object[] row) {
      Instant time = (Instant) row[source.eventTime()];
      return time == null && source.homeStepMicros() != null ? null : (Long) RecordDecoder.this.home(time);
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

  private static Row picked(Object[] row, int[] columns) {
    Object[] values = new Object[columns.length];
    for (int i = 0; i < columns.length; i++) values[i] = row[columns[i]];
    return RowFactory.create(values);
  }
}
