package cdcfeatures;

import cdcfeatures.Packed.Reader;
import cdcfeatures.Packed.Writer;
import java.util.Arrays;

/** The state of a group whose rows never change: what they come to. Spark keeps it as the bytes of a bean. */
public final class Aggregates {

  /** What of the bytes has not been read yet, since only the fold knows how; null without. */
  private byte[] unread;

  private Aggregation aggregation;
  private Arrivals arrivals = new Arrivals();

  /** As Spark keeps it. */
  public byte[] getBytes() {
    Writer writer = new Writer(64);
    arrivals.write(writer);
    if (aggregation != null) aggregation.write(writer);
    else if (unread != null) writer.copy(unread, 0, unread.length);
    return writer.toBytes();
  }

  public void setBytes(byte[] bytes) {
    Reader reader = new Reader(bytes, 0);
    arrivals = Arrivals.read(reader);
    unread = reader.at == bytes.length ? null : Arrays.copyOfRange(bytes, reader.at, bytes.length);
    aggregation = null;
  }

  /** As {@link RowVersions#add}. */
  void add(Fold.Declared fold, byte[] several, long timeMs) {
    Aggregation into = of(fold);
    RowReader row = new RowReader(several, fold.key(), fold.values());
    int rows = 0;
    for (; row.next(); rows++) into.add(row);
    arrivals.count(rows);
    arrivals.arrivedAt(timeMs);
  }

  void merge(Fold.Declared fold, Aggregates other) {
    arrivals.merge(other.arrivals);
    of(fold).merge(other.of(fold));
  }

  Aggregation of(Fold.Declared fold) {
    if (aggregation == null) {
      aggregation = unread == null ? new Aggregation(fold) : Aggregation.read(fold, new Reader(unread, 0));
      unread = null;
    }
    return aggregation;
  }

  Arrivals arrivals() {
    return arrivals;
  }
}
