package cdcfeatures;

import cdcfeatures.Packed.Reader;
import cdcfeatures.Packed.Writer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The state of a group: its rows by their keys, each as its newest version tells it, with the versions seen before. The
 * same whatever the order in which changes come, and however often. Spark keeps it as the bytes of a bean.
 *
 * <p>A row is {@code flags, key, version, values, older versions}; a change is one without older ones. Rows stand in the
 * order of their keys' bytes, so that a change to one of a million is merged by copying the others as they are.
 */
public final class RowVersions {

  static final int GONE = 4;
  private static final int RANK = 3;
  private static final int COUNTED = 8;
  private static final byte[] NONE = {};

  private byte[] rows = NONE;
  private List<byte[]> changes = new ArrayList<>();
  private Arrivals arrivals = new Arrivals();

  /** As Spark keeps it. */
  public byte[] getBytes() {
    mergeChanges();
    Writer writer = new Writer(rows.length + 40);
    arrivals.write(writer);
    writer.copy(rows, 0, rows.length);
    return writer.toBytes();
  }

  public void setBytes(byte[] bytes) {
    Reader reader = new Reader(bytes, 0);
    arrivals = Arrivals.read(reader);
    rows = Arrays.copyOfRange(bytes, reader.at, bytes.length);
    changes = new ArrayList<>();
  }

  /** A change's bytes; it counts where the newest of its windows is. */
  static void writeChange(Writer to, RecordDecoder.Change change, Writer key, Writer values) {
    boolean isCounted = change.home() != null;
    to.oneByte(change.rank() + 1 | (change.isGone() ? GONE : 0) | (isCounted ? COUNTED : 0));
    to.block(key);
    long sinceCommit = change.lsn() - change.commitLsn();
    to.unsigned(
        Writer.sizeOfSigned(change.commitLsn())
            + Writer.sizeOfSigned(sinceCommit)
            + Writer.sizeOfUnsigned(values.size())
            + values.size());
    to.signed(change.commitLsn());
    to.signed(sinceCommit);
    to.block(values);
  }

  /**
   * @param several changes, one behind the other
   * @param counts whether their records are to be counted in this group, should they be duplicates
   * @param timeMs when the newest record was written to Kafka
   */
  void add(byte[] several, boolean counts, long timeMs) {
    int end;
    for (int start = 0; start < several.length; start = end) {
      end = end(several, start);
      byte[] change = end - start == several.length ? several : Arrays.copyOfRange(several, start, end);
      if (!counts) change[0] &= ~COUNTED;
      changes.add(change);
    }
    arrivals.arrivedAt(timeMs);
  }

  void merge(RowVersions other) {
    arrivals.merge(other.arrivals);
    changes.addAll(other.changes);
    if (rows.length == 0) rows = other.rows;
    else if (other.rows.length > 0) rows = merged(rows, other.rows);
  }

  /** With all changes in. */
  Arrivals arrivals() {
    mergeChanges();
    return arrivals;
  }

  /** What remains of the rows when all changes are in, for {@link RowReader}. */
  byte[] rows() {
    mergeChanges();
    return rows;
  }

  private void mergeChanges() {
    if (changes.isEmpty()) return;
    arrivals.count(changes.size());
    changes.sort(RowVersions::compareKeys);
    int bytes = 0;
    for (byte[] change : changes) bytes += change.length;
    Writer sorted = new Writer(bytes);
    byte[] row = changes.get(0);
    for (byte[] change : changes.subList(1, changes.size())) {
      if (compareKeys(row, change) == 0) {
        row = combined(row, 0, row.length, change, 0, change.length);
      } else {
        sorted.copy(row, 0, row.length);
        row = change;
      }
    }
    sorted.copy(row, 0, row.length);
    changes = new ArrayList<>();
    rows = rows.length == 0 ? sorted.toBytes() : merged(rows, sorted.toBytes());
  }

  private byte[] merged(byte[] a, byte[] b) {
    Writer writer = new Writer(a.length + b.length);
    int i = 0;
    int j = 0;
    // What is copied from a in one go, as long as its keys are smaller.
    int copied = 0;
    while (i < a.length && j < b.length) {
      int order = compareKeys(a, i, b, j);
      if (order < 0) {
        i = end(a, i);
        continue;
      }
      writer.copy(a, copied, i);
      int endOfB = end(b, j);
      if (order > 0) {
        writer.copy(b, j, endOfB);
      } else {
        int endOfA = end(a, i);
        byte[] row = combined(a, i, endOfA, b, j, endOfB);
        writer.copy(row, 0, row.length);
        i = endOfA;
      }
      copied = i;
      j = endOfB;
    }
    writer.copy(a, copied, a.length);
    writer.copy(b, j, b.length);
    return writer.toBytes();
  }

  private static int compareKeys(byte[] a, byte[] b) {
    return compareKeys(a, 0, b, 0);
  }

  private static int compareKeys(byte[] a, int startOfA, byte[] b, int startOfB) {
    Reader one = new Reader(a, startOfA + 1);
    Reader other = new Reader(b, startOfB + 1);
    int length = one.length();
    int otherLength = other.length();
    return Arrays.compareUnsigned(a, one.at, one.at + length, b, other.at, other.at + otherLength);
  }

  private static int end(byte[] rows, int start) {
    Reader reader = new Reader(rows, start + 1);
    int key = reader.length();
    reader.at += key;
    int rest = reader.length();
    return reader.at + rest;
  }

  // --- Two states of one row -----------------------------------------------------------------------------------------

  private byte[] combined(byte[] a, int startOfA, int endOfA, byte[] b, int startOfB, int endOfB) {
    Row one = new Row(a, startOfA, endOfA);
    Row other = new Row(b, startOfB, endOfB);
    int order = one.compareTo(other);
    Row newest = order >= 0 ? one : other;
    List<Version> seen = new ArrayList<>();
    one.readVersions(seen);
    other.readVersions(seen);
    seen.sort(null);
    Writer rest = new Writer(endOfA - startOfA + endOfB - startOfB);
    newest.newest.write(rest);
    rest.unsigned(newest.valuesEnd - newest.valuesStart);
    rest.copy(newest.bytes, newest.valuesStart, newest.valuesEnd);
    Version last = null;
    boolean isCounted = newest.newest.isCounted();
    for (Version version : seen) {
      if (last != null && version.compareTo(last) == 0) {
        if (version.isCounted() || last.isCounted()) arrivals.countDuplicate();
        continue;
      }
      if (version.compareTo(newest.newest) == 0) isCounted |= version.isCounted();
      else version.writeOlder(rest);
      last = version;
    }
    Writer row = new Writer(8 + rest.size() + newest.keyEnd - newest.keyStart);
    row.oneByte((newest.newest.flags & ~COUNTED) | (isCounted ? COUNTED : 0));
    row.unsigned(newest.keyEnd - newest.keyStart);
    row.copy(newest.bytes, newest.keyStart, newest.keyEnd);
    row.block(rest.toBytes());
    return row.toBytes();
  }

  /** When a row was so, and whether that is counted in this group. */
  private record Version(long commitLsn, long lsn, int flags) implements Comparable<Version> {

    static Version read(Reader reader, int flags) {
      long commitLsn = reader.signed();
      return new Version(commitLsn, commitLsn + reader.signed(), flags);
    }

    void write(Writer writer) {
      writer.signed(commitLsn);
      writer.signed(lsn - commitLsn);
    }

    void writeOlder(Writer writer) {
      writer.oneByte(flags);
      write(writer);
    }

    boolean isCounted() {
      return (flags & COUNTED) != 0;
    }

    @Override
    public int compareTo(Version other) {
      int order = Long.compare(commitLsn, other.commitLsn);
      if (order == 0) order = Long.compare(lsn, other.lsn);
      return order == 0 ? Integer.compare(flags & RANK, other.flags & RANK) : order;
    }
  }

  private static final class Row implements Comparable<Row> {
    final byte[] bytes;
    final int end;
    final int keyStart;
    final int keyEnd;
    final int valuesStart;
    final int valuesEnd;
    final Version newest;

    Row(byte[] bytes, int start, int end) {
      this.bytes = bytes;
      this.end = end;
      Reader reader = new Reader(bytes, start);
      int flags = reader.oneByte();
      int keyLength = reader.length();
      keyStart = reader.at;
      keyEnd = keyStart + keyLength;
      reader.at = keyEnd;
      reader.length();
      newest = Version.read(reader, flags);
      int valuesLength = reader.length();
      valuesStart = reader.at;
      valuesEnd = valuesStart + valuesLength;
    }

    void readVersions(List<Version> versions) {
      versions.add(newest);
      Reader reader = new Reader(bytes, valuesEnd);
      while (reader.at < end) versions.add(Version.read(reader, reader.oneByte()));
    }

    /** Of copies of a version that tell it differently one wins, whichever came first. */
    @Override
    public int compareTo(Row other) {
      int order = newest.compareTo(other.newest);
      if (order == 0) order = Integer.compare(newest.flags & GONE, other.newest.flags & GONE);
      return order == 0
          ? Arrays.compareUnsigned(bytes, valuesStart, valuesEnd, other.bytes, other.valuesStart, other.valuesEnd)
          : order;
    }
  }
}
