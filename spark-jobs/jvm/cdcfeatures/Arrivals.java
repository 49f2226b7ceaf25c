package cdcfeatures;

import cdcfeatures.Packed.Reader;
import cdcfeatures.Packed.Writer;
import java.util.List;
import org.apache.spark.TaskContext;

/** What the newest records of a group were: it stands before all else in the bytes of the group's state. */
final class Arrivals {

  private static final int FORMAT = 1;
  private static final String BATCH_ID = "streaming.sql.batchId";
  private static final long NO_BATCH = -1;

  // Of the batch that changed the group last: changes so far, which says how new the group is, and those that brought
  // nothing new.
  private long batch = NO_BATCH;
  private long records;
  private long duplicates;
  // When the newest record was written to Kafka.
  private long newestMs;

  void write(Writer to) {
    to.oneByte(FORMAT);
    to.signed(batch);
    to.unsigned(records);
    to.unsigned(duplicates);
    to.signed(newestMs);
  }

  static Arrivals read(Reader from) {
    int format = from.oneByte();
    if (format != FORMAT) throw new IllegalStateException("the state was written by another version: " + format);
    Arrivals arrivals = new Arrivals();
    arrivals.batch = from.signed();
    arrivals.records = from.unsigned();
    arrivals.duplicates = from.unsigned();
    arrivals.newestMs = from.signed();
    return arrivals;
  }

  /** Changes of the running batch. */
  void count(long changes) {
    ofRunningBatch();
    records += changes;
  }

  void countDuplicate() {
    duplicates++;
  }

  void arrivedAt(long timeMs) {
    newestMs = Math.max(newestMs, timeMs);
  }

  void merge(Arrivals other) {
    ofRunningBatch();
    if (other.batch == batch) {
      records += other.records;
      duplicates += other.duplicates;
    }
    arrivedAt(other.newestMs);
  }

  /** As state.py names them: batch, records, duplicates, source_ms. */
  void addTo(List<Object> columns) {
    columns.addAll(List.of(batch, records, duplicates, newestMs));
  }

  private void ofRunningBatch() {
    TaskContext task = TaskContext.get();
    String id = task == null ? null : task.getLocalProperty(BATCH_ID);
    long running = id == null ? NO_BATCH : Long.parseLong(id);
    if (batch != running) {
      records = 0;
      duplicates = 0;
    }
    batch = running;
  }
}
