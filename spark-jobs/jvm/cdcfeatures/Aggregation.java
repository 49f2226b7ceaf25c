package cdcfeatures;

import java.io.Serializable;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Aggregates of a group's rows, exact: sums are whole numbers of the smallest unit, and nothing is rounded before its
 * end.
 */
final class Aggregation {

  /**
   * A feature over rows.
   *
   * @param function {@code sum} and the like, or {@code at} for the value of the latest row
   * @param column index of a row's value, -1 for the rows themselves
   * @param digits of the result: after the point of an average; all of a sum of decimals, else 0
   */
  record Declared(String function, int column, int digits) implements Serializable {}

  /** Takes values in any order, and those of another one of its kind; written and read as bytes. */
  private interface Accumulator {
    void add(Object value, Object[] values, RowReader row);

    void merge(Accumulator other);

    void write(Packed.Writer to);

    /** Into one that has taken nothing yet. */
    void read(Packed.Reader from);

    Object result();
  }

  private static final Packed.Type IS_THERE = new Packed.Type("boolean", 0);

  private final Fold.Declared fold;
  private final Accumulator[] accumulators;
  private long count;
  private long latest = Long.MIN_VALUE;

  Aggregation(Fold.Declared fold) {
    this.fold = fold;
    accumulators = fold.features().stream().map(this::accumulator).toArray(Accumulator[]::new);
  }

  private Accumulator accumulator(Declared feature) {
    Packed.Type type = feature.column() < 0 ? null : fold.values()[feature.column()];
    return switch (feature.function()) {
      case "count" -> new Count();
      case "sum" -> new Sum(type, feature.digits());
      case "avg" -> new Average(type, feature.digits());
      case "min" -> new Extreme(type, -1);
      case "max" -> new Extreme(type, 1);
      case "count_distinct" -> new Distinct(type);
      case "first" -> new Edge(type, -1, true);
      case "last" -> new Edge(type, 1, true);
      case "at" -> new Edge(type, 1, false);
      default -> throw new IllegalArgumentException("no aggregate named " + feature.function());
    };
  }

  void add(RowReader row) {
    Object[] values = row.values();
    count++;
    latest = Math.max(latest, (long) values[fold.eventTime()]);
    for (int i = 0; i < accumulators.length; i++) {
      int column = fold.features().get(i).column();
      accumulators[i].add(column < 0 ? null : values[column], values, row);
    }
  }

  void merge(Aggregation other) {
    count += other.count;
    latest = Math.max(latest, other.latest);
    for (int i = 0; i < accumulators.length; i++) accumulators[i].merge(other.accumulators[i]);
  }

  void write(Packed.Writer to) {
    to.unsigned(count);
    to.signed(latest);
    for (Accumulator accumulator : accumulators) accumulator.write(to);
  }

  static Aggregation read(Fold.Declared fold, Packed.Reader from) {
    Aggregation aggregation = new Aggregation(fold);
    aggregation.count = from.unsigned();
    aggregation.latest = from.signed();
    for (Accumulator accumulator : aggregation.accumulators) accumulator.read(from);
    return aggregation;
  }

  /** The number of rows, the latest event time, and each feature. */
  void addResults(List<Object> columns) {
    columns.add(count);
    columns.add(count == 0 ? null : latest);
    for (Accumulator accumulator : accumulators) columns.add(accumulator.result());
  }

  private final class Count implements Accumulator {
    @Override
    public void add(Object value, Object[] values, RowReader row) {}

    @Override
    public void merge(Accumulator other) {}

    @Override
    public void write(Packed.Writer to) {}

    @Override
    public void read(Packed.Reader from) {}

    @Override
    public Object result() {
      return count;
    }
  }

  /** Of whole numbers, or of decimals of one scale. */
  private static final class Total {
    private static final Packed.Type WHOLE = new Packed.Type("decimal", 0);

    private final int scale;
    private long small;
    private BigInteger large = BigInteger.ZERO;
    long count;

    Total(Packed.Type type) {
      scale = type.scale();
    }

    void add(Object value) {
      count++;
      if (value instanceof BigDecimal decimal) {
        if (decimal.precision() > 18) large = large.add(decimal.unscaledValue());
        else add(decimal.unscaledValue().longValue());
      } else {
        add(((Number) value).longValue());
      }
    }

    void merge(Total other) {
      count += other.count;
      large = large.add(other.large);
      add(other.small);
    }

    void write(Packed.Writer to) {
      to.unsigned(count);
      to.signed(small);
      to.value(new BigDecimal(large));
    }

    void read(Packed.Reader from) {
      count = from.unsigned();
      small = from.signed();
      large = ((BigDecimal) from.value(WHOLE)).unscaledValue();
    }

    private void add(long units) {
      long sum = small + units;
      if (((small ^ sum) & (units ^ sum)) < 0) {
        large = large.add(BigInteger.valueOf(small));
        sum = units;
      }
      small = sum;
    }

    BigDecimal sum() {
      return new BigDecimal(large.add(BigInteger.valueOf(small)), scale);
    }
  }

  private abstract static class OfTotal implements Accumulator {
    final Total total;
    final int digits;

    OfTotal(Packed.Type type, int digits) {
      total = new Total(type);
      this.digits = digits;
    }

    @Override
    public void add(Object value, Object[] values, RowReader row) {
      if (value != null) total.add(value);
    }

    @Override
    public void merge(Accumulator other) {
      total.merge(((OfTotal) other).total);
    }

    @Override
    public void write(Packed.Writer to) {
      total.write(to);
    }

    @Override
    public void read(Packed.Reader from) {
      total.read(from);
    }
  }

  private static final class Sum extends OfTotal {
    Sum(Packed.Type type, int digits) {
      super(type, digits);
    }

    @Override
    public Object result() {
      return total.count == 0 ? null : fitting(total.sum(), digits);
    }
  }

  /** A sum that outgrows its type is null instead of the end of the query; {@code digits} are 0 of whole numbers. */
  static Object fitting(BigDecimal sum, int digits) {
    if (digits > 0) return sum.precision() > digits ? null : sum;
    BigInteger whole = sum.toBigIntegerExact();
    return whole.bitLength() < Long.SIZE ? (Long) whole.longValue() : null;
  }

  private static final class Average extends OfTotal {
    Average(Packed.Type type, int digits) {
      super(type, digits);
    }

    @Override
    public Object result() {
      if (total.count == 0) return null;
      return Expression.rounded(Expression.quotient(total.sum(), BigDecimal.valueOf(total.count)), digits);
    }
  }

  /** The greatest value, or the least. */
  private static final class Extreme implements Accumulator {
    private final Packed.Type type;
    private final int sign;
    private Object found;

    Extreme(Packed.Type type, int sign) {
      this.type = type;
      this.sign = sign;
    }

    @Override
    public void add(Object value, Object[] values, RowReader row) {
      if (value != null && (found == null || sign * Packed.compare(value, found) > 0)) found = value;
    }

    @Override
    public void merge(Accumulator other) {
      add(((Extreme) other).found, null, null);
    }

    @Override
    public void write(Packed.Writer to) {
      to.value(found);
    }

    @Override
    public void read(Packed.Reader from) {
      found = from.value(type);
    }

    @Override
    public Object result() {
      return found;
    }
  }

  private static final class Distinct implements Accumulator {
    private final Packed.Type type;
    private final Set<Object> found = new HashSet<>();

    Distinct(Packed.Type type) {
      this.type = type;
    }

    @Override
    public void add(Object value, Object[] values, RowReader row) {
      if (value != null) found.add(value);
    }

    @Override
    public void merge(Accumulator other) {
      found.addAll(((Distinct) other).found);
    }

    @Override
    public void write(Packed.Writer to) {
      to.unsigned(found.size());
      for (Object value : found) to.value(value);
    }

    @Override
    public void read(Packed.Reader from) {
      for (int more = from.length(); more > 0; more--) found.add(from.value(type));
    }

    @Override
    public Object result() {
      return (long) found.size();
    }
  }

  /** The value of the first row, or the last: by event time, then by primary key. */
  private final class Edge implements Accumulator {
    private final Packed.Type type;
    private final int sign;
    private final boolean skipsNull;
    private Object found;
    private long time;
    private Object[] key;

    Edge(Packed.Type type, int sign, boolean skipsNull) {
      this.type = type;
      this.sign = sign;
      this.skipsNull = skipsNull;
    }

    @Override
    public void add(Object value, Object[] values, RowReader row) {
      if (value == null && skipsNull) return;
      long at = (long) values[fold.eventTime()];
      if (key == null || sign * Long.compare(at, time) >= 0) take(value, at, row.key());
    }

    @Override
    public void merge(Accumulator other) {
      Edge edge = (Edge) other;
      if (edge.key != null) take(edge.found, edge.time, edge.key);
    }

    private void take(Object value, long at, Object[] itsKey) {
      if (key != null) {
        int order = Long.compare(at, time);
        if (order == 0) order = compare(itsKey, key);
        if (sign * order < 0) return;
      }
      found = value;
      time = at;
      key = itsKey;
    }

    private static int compare(Object[] a, Object[] b) {
      for (int i = 0; i < a.length; i++) {
        int order = Packed.compare(a[i], b[i]);
        if (order != 0) return order;
      }
      return 0;
    }

    @Override
    public void write(Packed.Writer to) {
      to.value(key != null);
      if (key == null) return;
      to.value(found);
      to.signed(time);
      for (Object part : key) to.value(part);
    }

    @Override
    public void read(Packed.Reader from) {
      if (!(boolean) from.value(IS_THERE)) return;
      found = from.value(type);
      time = from.signed();
      key = new Object[fold.key().length];
      for (int i = 0; i < key.length; i++) key[i] = from.value(fold.key()[i]);
    }

    @Override
    public Object result() {
      return found;
    }
  }
}
