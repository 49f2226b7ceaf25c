package cdcfeatures;

import java.io.Serializable;
import java.math.BigDecimal;
import java.sql.Timestamp;
import java.time.LocalDate;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** From the aggregates of a window to all of its features, as features.py has it for micro-batches. */
final class Finishing {

  private static final long DAY_MICROS = 86_400_000_000L;

  /**
   * A feature in the definition's order.
   *
   * @param kind {@code over_rows}, {@code frequency}, {@code recency} or {@code derived}
   * @param type in the definition's words; what the number of a time or a date stands for
   * @param unitMs of a frequency
   * @param digits of a frequency or a derived number; else null
   */
  record Feature(
      String name,
      String kind,
      String type,
      long unitMs,
      Integer digits,
      Expression.Declared expression)
      implements Serializable {}

  private final List<Feature> features;
  private final long lengthMs;
  private final Expression[] expressions;

  Finishing(List<Feature> features, long lengthMs) {
    this.features = features;
    this.lengthMs = lengthMs;
    expressions = new Expression[features.size()];
    for (int i = 0; i < expressions.length; i++) {
      Expression.Declared declared = features.get(i).expression();
      if (declared != null) expressions[i] = Expression.compile(declared);
    }
  }

  /**
   * Values in the definition's order; a time is micros, a date days.
   *
   * @param overRows the features over rows, in that order
   * @param latest event time, null without rows
   */
  Object[] finish(Object[] overRows, long count, Long latest, long nowMicros) {
    Map<String, Object> values = new HashMap<>();
    Object[] finished = new Object[features.size()];
    int next = 0;
    for (int i = 0; i < finished.length; i++) {
      Feature feature = features.get(i);
      finished[i] =
          switch (feature.kind()) {
            case "over_rows" -> overRows[next++];
            case "frequency" -> frequency(feature, count);
            case "recency" -> latest == null ? null : days(nowMicros) - days(latest);
            default -> derived(feature, expressions[i], values);
          };
      values.put(feature.name(), finished[i]);
    }
    return finished;
  }

  private Object frequency(Feature feature, long count) {
    BigDecimal total = BigDecimal.valueOf(count).multiply(BigDecimal.valueOf(feature.unitMs()));
    return Expression.rounded(Expression.quotient(total, BigDecimal.valueOf(lengthMs)), feature.digits());
  }

  private static int days(long micros) {
    return (int) Math.floorDiv(micros, DAY_MICROS);
  }

  private static Object derived(Feature feature, Expression expression, Map<String, Object> values) {
    Object value = expression.of(values);
    return feature.digits() == null ? value : Expression.rounded(Expression.number(value), feature.digits());
  }

  /** As the online store writes it. */
  static String text(Object value, String type) {
    if (value instanceof BigDecimal decimal) return decimal.toPlainString();
    if (value instanceof Timestamp time) return iso(Values.micros(time.toInstant()));
    return switch (type) {
      case "timestamp" -> iso((Long) value);
      case "date" -> (value instanceof Integer days ? LocalDate.ofEpochDay(days) : value).toString();
      default -> value.toString();
    };
  }

  /** ISO 8601 in UTC; a fraction, of six digits, only where there is one. */
  static String iso(long micros) {
    long seconds = Math.floorDiv(micros, 1_000_000L);
    int fraction = (int) Math.floorMod(micros, 1_000_000L);
    int ofDay = (int) Math.floorMod(seconds, 86_400L);
    StringBuilder text = new StringBuilder(27).append(LocalDate.ofEpochDay(Math.floorDiv(seconds, 86_400L)));
    append(text, 'T', ofDay / 3600, 2);
    append(text, ':', ofDay / 60 % 60, 2);
    append(text, ':', ofDay % 60, 2);
    if (fraction != 0) append(text, '.', fraction, 6);
    return text.append('Z').toString();
  }

  private static void append(StringBuilder text, char separator, int number, int digits) {
    text.append(separator);
    String written = Integer.toString(number);
    for (int i = written.length(); i < digits; i++) text.append('0');
    text.append(written);
  }
}
