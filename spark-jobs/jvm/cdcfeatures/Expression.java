package cdcfeatures;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Map;

/**
 * A derived feature's expression in exact decimals, as arithmetic.py has it: + - * are exact, a quotient is carried to 18
 * digits after the point, everything rounds half up; a null operand and a division by zero give null.
 */
abstract class Expression {

  private static final int QUOTIENT_DIGITS = 18;
  private static final int MOST_DIGITS = 38;

  /**
   * As finishing.py writes it down: one of {@code feature}, {@code number}, {@code text}, {@code operator} with two
   * arguments, {@code function} with any.
   */
  record Declared(
      String feature, String number, String text, String operator, String function, Declared[] arguments)
      implements java.io.Serializable {}

  /** @param features values of the features before: BigDecimal, Long, Integer, Boolean, String or null */
  abstract Object of(Map<String, Object> features);

  static Expression compile(Declared declared) {
    if (declared.feature() != null) return of(features -> features.get(declared.feature()));
    if (declared.number() != null) {
      BigDecimal number = new BigDecimal(declared.number());
      return of(features -> number);
    }
    if (declared.text() != null) return of(features -> declared.text());
    Expression[] arguments = new Expression[declared.arguments().length];
    for (int i = 0; i < arguments.length; i++) arguments[i] = compile(declared.arguments()[i]);
    if (declared.function() != null) return call(declared.function(), arguments);
    Operation operation = operation(declared.operator());
    return of(
        features -> {
          Object a = arguments[0].of(features);
          Object b = arguments[1].of(features);
          return a == null || b == null ? null : operation.of(a, b);
        });
  }

  /** Half up; null for more than 38 digits. */
  static BigDecimal rounded(BigDecimal value, int digits) {
    if (value == null) return null;
    BigDecimal result = value.setScale(digits, RoundingMode.HALF_UP);
    return result.precision() > MOST_DIGITS ? null : result;
  }

  static BigDecimal quotient(BigDecimal dividend, BigDecimal divisor) {
    return divisor.signum() == 0 ? null : dividend.divide(divisor, QUOTIENT_DIGITS, RoundingMode.HALF_UP);
  }

  static BigDecimal number(Object value) {
    if (value == null) return null;
    return value instanceof BigDecimal decimal ? decimal : BigDecimal.valueOf(((Number) value).longValue());
  }

  private interface Operation {
    Object of(Object a, Object b);
  }

  private interface Evaluation {
    Object of(Map<String, Object> features);
  }

  private static Expression of(Evaluation evaluation) {
    return new Expression() {
      @Override
      Object of(Map<String, Object> features) {
        return evaluation.of(features);
      }
    };
  }

  private static Operation operation(String symbol) {
    return switch (symbol) {
      case "+" -> (a, b) -> number(a).add(number(b));
      case "-" -> (a, b) -> number(a).subtract(number(b));
      case "*" -> (a, b) -> number(a).multiply(number(b));
      case "/" -> (a, b) -> quotient(number(a), number(b));
      case ">" -> (a, b) -> compare(a, b) > 0;
      case ">=" -> (a, b) -> compare(a, b) >= 0;
      case "<" -> (a, b) -> compare(a, b) < 0;
      case "<=" -> (a, b) -> compare(a, b) <= 0;
      case "=" -> (a, b) -> compare(a, b) == 0;
      case "!=" -> (a, b) -> compare(a, b) != 0;
      default -> throw new IllegalArgumentException("no operator " + symbol);
    };
  }

  private static int compare(Object a, Object b) {
    return a instanceof Number ? number(a).compareTo(number(b)) : Packed.compare(a, b);
  }

  private static Expression call(String function, Expression[] arguments) {
    return switch (function) {
      case "coalesce" -> of(features -> first(arguments, features));
      case "ratio" -> of(features -> ratio(arguments, features));
      case "bucket" -> of(features -> bucket(arguments, features));
      case "cross" -> of(features -> cross(arguments, features));
      default -> throw new IllegalArgumentException("no function " + function);
    };
  }

  private static Object first(Expression[] arguments, Map<String, Object> features) {
    for (Expression argument : arguments) {
      Object value = argument.of(features);
      if (value != null) return value;
    }
    return null;
  }

  private static Object ratio(Expression[] arguments, Map<String, Object> features) {
    BigDecimal dividend = number(arguments[0].of(features));
    BigDecimal divisor = number(arguments[1].of(features));
    if (dividend == null || divisor == null) return null;
    if (divisor.signum() != 0) return quotient(dividend, divisor);
    return arguments.length > 2 ? arguments[2].of(features) : null;
  }

  private static Object bucket(Expression[] arguments, Map<String, Object> features) {
    BigDecimal value = number(arguments[0].of(features));
    if (value == null) return null;
    int edges = 0;
    for (int i = 1; i < arguments.length; i++) {
      if (number(arguments[i].of(features)).compareTo(value) <= 0) edges++;
    }
    return edges;
  }

  private static Object cross(Expression[] arguments, Map<String, Object> features) {
    StringBuilder joined = new StringBuilder();
    for (int i = 0; i < arguments.length; i++) {
      Object value = arguments[i].of(features);
      if (value == null) return null;
      joined.append(i == 0 ? "" : "|").append(value);
    }
    return joined.toString();
  }
}
