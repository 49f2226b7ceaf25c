package cdcfeatures;

import cdcfeatures.Packed.Reader;
import cdcfeatures.Packed.Writer;
import java.util.Arrays;

/** The state of a group whose rows never change: what they come to. Spark keeps it as the bytes of a bean. */
public final class Aggregates {

  private static final int FORMAT = 1;

  /** What of the bytes has not been read yet, since only the fold knows how; null without. */
  private byte[] unread;

  private Aggregation aggregation;
  private long newestMs;
  // Of the batch that changed the group last.
  private long batch = RowVersions.NO_BATCH;
  private long records;

  /** As Spark keeps it. */
  public byte[] getBytes() {
    Writer writer = new Writer(64);
    writer.oneByte(FORMAT);
    writer.signed(batch);
    writer.unsigned(records);
    writer.signed(newestMs);
    if (aggregation != null) aggregation.write(writer);
    else if (unread != null) writer.copy(unread, 0, unread.length);
    return writer.toBytes();
  }

  public void setBytes(byte[] bytes) {
    Reader reader = new Reader(bytes, 0);
    int format = reader.oneByte();
    if (format != FORMAT) throw new IllegalStateException("the state was written by another version: " + format);
    batch = reader.signed();
    records = reader.unsigned();
    newestMs = reader.signed();
    unread = reader.at == bytes.length ? null : Arrays.copyOfRange(bytes, reader.at, bytes.length);
    aggregation = null;
  }

  /** As {@link RowVersions#add}. */
  void add(Fold.Declared fold, byte[] several, long timeMs) {
    ofBatch(RowVersions.currentBatch());
    Aggregation into = of(fold);
    RowReader row = new RowReader(several, fold.key(), fold.values());
    while (row.next()) {
      into.add(row);
      records++;
    }
    newestMs = Math.max(newestMs, timeMs);
  }

  void merge(Fold.Declared fold, Aggregates other) {
    ofBatch(RowVersions.currentBatch());
    if (other.batch == batch) records += other.records;
    newestMs = Math.max(newestMs, other.newestMs);
    of(fold).merge(other.of(fold));
  }

  Aggregation of(Fold.Declared fold) {
    if (aggregation == null) {
      aggregation = unread == null ? new Aggregation(fold) : Aggregation.read(fold, new Reader(unread, 0));
      unread = null;
    }
    return aggregation;
  }

  /** The batch that brought the newest rows. */
  long batch() {
    return batch;
  }

  /** Rows of that batch so far. */
  long records() {
    return records;
  }

  /** When the newest record was written to Kafka. */
  long newestMs() {
    return newestMs;
  }

  private void ofBatch(long current) {
    if (batch != current) records = 0;
    batch = current;
  }
}
