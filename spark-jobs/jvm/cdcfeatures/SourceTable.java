package cdcfeatures;

import java.io.Serializable;
import java.util.List;

/**
 * What a feature set declares of its source; debezium.py writes it down as JSON. Columns are referred to by their index
 * in {@code columns}.
 *
 * @param fullIdentity whether the table's REPLICA IDENTITY is FULL
 * @param place the columns that say which row it is and where it is counted
 * @param inputs the columns that travel into the state
 * @param homeStepMicros event times within the same multiple of it are counted alike; null when all are
 * @param marginMicros how far from both ends of the calendar an event time has to lie
 * @param packed whether a change's row is to be bytes, for {@link Fold}
 */
record SourceTable(
    String schema,
    String table,
    boolean flattened,
    boolean appendOnly,
    boolean fullIdentity,
    List<Column> columns,
    int[] primaryKey,
    int[] entity,
    int eventTime,
    int[] place,
    int[] inputs,
    Long homeStepMicros,
    long marginMicros,
    boolean packed)
    implements Serializable {

  /**
   * @param type in the definition's words
   * @param precision of a decimal; 0 of anything else
   * @param unit of a bare number in a timestamp: {@code millis}, {@code micros} or {@code nanos}
   * @param encoding of a decimal: {@code auto}, {@code precise} or {@code text}
   */
  record Column(String name, String type, int precision, int scale, String unit, String encoding)
      implements Serializable {}

  /** Whether an update and a delete tell where the row was. */
  boolean tellsThePast() {
    return fullIdentity && !flattened;
  }

  boolean isKey(int column) {
    for (int key : primaryKey) if (key == column) return true;
    return false;
  }
}
