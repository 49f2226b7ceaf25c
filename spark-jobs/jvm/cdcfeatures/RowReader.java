package cdcfeatures;

import cdcfeatures.Packed.Reader;
import cdcfeatures.Packed.Type;

/** Goes through the rows of {@link RowVersions}, one by one. */
final class RowReader {

  private final Reader reader;
  private final byte[] bytes;
  private final Type[] keyTypes;
  private final Type[] valueTypes;
  private int end;
  private int flags;
  private int keyStart;
  private int valuesStart;

  long commitLsn;
  long lsn;

  RowReader(byte[] rows, Type[] keyTypes, Type[] valueTypes) {
    bytes = rows;
    reader = new Reader(rows, 0);
    this.keyTypes = keyTypes;
    this.valueTypes = valueTypes;
  }

  boolean next() {
    if (end == bytes.length) return false;
    reader.at = end;
    flags = reader.oneByte();
    int keyLength = reader.length();
    keyStart = reader.at;
    reader.at += keyLength;
    int rest = reader.length();
    end = reader.at + rest;
    commitLsn = reader.signed();
    lsn = commitLsn + reader.signed();
    reader.length();
    valuesStart = reader.at;
    return true;
  }

  boolean isGone() {
    return (flags & RowVersions.GONE) != 0;
  }

  int rank() {
    return (flags & 3) - 1;
  }

  Object[] key() {
    return read(keyStart, keyTypes);
  }

  /** Not of a row that is gone. */
  Object[] values() {
    return read(valuesStart, valueTypes);
  }

  private Object[] read(int start, Type[] types) {
    Object[] values = new Object[types.length];
    reader.at = start;
    for (int i = 0; i < values.length; i++) values[i] = reader.value(types[i]);
    return values;
  }
}
