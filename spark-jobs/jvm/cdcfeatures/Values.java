package cdcfeatures;

import cdcfeatures.Event.Cell;
import cdcfeatures.Event.Declared;
import cdcfeatures.SourceTable.Column;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.Instant;
import java.time.LocalDate;
import java.time.YearMonth;
import java.util.Base64;

/**
 * Values as Debezium writes them, decoded to the types of the definition. A value that cannot be decoded gives null,
 * never an error. Encodings:
 * https://debezium.io/documentation/reference/stable/connectors/postgresql.html#postgresql-data-types
 */
final class Values {

  /** What Debezium writes for a large value that an update left as it was and the log does not hold. */
  static final String UNAVAILABLE = "__debezium_unavailable_value";

  private static final long YEAR_1_DAYS = -719_162;
  private static final long YEAR_10000_DAYS = 2_932_897;
  private static final long DAY_MICROS = 86_400_000_000L;
  private static final long YEAR_1_MICROS = YEAR_1_DAYS * DAY_MICROS;
  private static final long YEAR_10000_MICROS = YEAR_10000_DAYS * DAY_MICROS;
  // Beyond them there is no number of any column, and reading it may take for ever.
  private static final int MOST_DIGITS = 1_000;
  private static final int MOST_BITS = 400;

  private Values() {}

  /**
   * As Spark takes it: Long, Integer, BigDecimal, Boolean, String, LocalDate or Instant.
   *
   * @param declared what the event's schema says of the column, or null
   * @param marginMicros how far a timestamp has to lie from the ends of the years 1 to 9999
   */
  static Object decoded(Column column, Cell cell, Declared declared, long marginMicros) {
    if (cell == null) return null;
    if (column.precision() > 0) return decimal(column, cell, declared);
    return switch (column.type()) {
      case "bigint" -> wholeNumber(cell, Long.MIN_VALUE, Long.MAX_VALUE);
      case "integer" -> narrowed(wholeNumber(cell, Integer.MIN_VALUE, Integer.MAX_VALUE));
      case "boolean" -> bool(cell);
      case "text" -> text(cell);
      case "date" -> date(cell);
      case "timestamp" -> timestamp(column, cell, declared, marginMicros);
      default -> throw new IllegalArgumentException("no type of a column: " + column.type());
    };
  }

  private static Object narrowed(Long number) {
    return number == null ? null : (Object) number.intValue();
  }

  private static Boolean bool(Cell cell) {
    return switch (cell.text()) {
      case "true" -> Boolean.TRUE;
      case "false" -> Boolean.FALSE;
      default -> null;
    };
  }

  private static String text(Cell cell) {
    return switch (cell.kind()) {
      case TEXT -> cell.text().equals(UNAVAILABLE) ? null : cell.text();
      case NUMBER -> cell.text();
      default -> null;
    };
  }

  private static Long wholeNumber(Cell cell, long least, long most) {
    Long number = digits(cell.text());
    if (number == null && cell.kind() == Cell.Kind.NUMBER) number = integral(number(cell.text()));
    return number == null || number < least || number > most ? null : number;
  }

  /** Of a text of digits with or without a sign. */
  private static Long digits(String text) {
    int start = text.startsWith("-") || text.startsWith("+") ? 1 : 0;
    if (text.length() == start) return null;
    for (int i = start; i < text.length(); i++) if (!isDigit(text, i)) return null;
    try {
      return Long.valueOf(text);
    } catch (NumberFormatException tooLarge) {
      return null;
    }
  }

  private static Long integral(BigDecimal number) {
    if (number == null || number.precision() - number.scale() > 19 || number.scale() > MOST_DIGITS) return null;
    try {
      return number.longValueExact();
    } catch (ArithmeticException notIntegral) {
      return null;
    }
  }

  /** Of days or of a time's units. */
  private static Long count(Cell cell) {
    return cell.text().startsWith("+") ? null : wholeNumber(cell, Long.MIN_VALUE, Long.MAX_VALUE);
  }

  private static LocalDate date(Cell cell) {
    Long days = count(cell);
    if (days == null) {
      String text = cell.text();
      int length = text.endsWith("Z") ? text.length() - 1 : text.length();
      if (length != 10) return null;
      days = day(text);
    }
    return days == null || days < YEAR_1_DAYS || days >= YEAR_10000_DAYS ? null : LocalDate.ofEpochDay(days);
  }

  // --- Timestamps ----------------------------------------------------------------------------------------------------

  private static Instant timestamp(Column column, Cell cell, Declared declared, long marginMicros) {
    Long number = count(cell);
    Long micros = number == null ? microsOfIso(cell.text()) : micros(number, unit(column, declared));
    if (micros == null || micros < YEAR_1_MICROS + marginMicros || micros >= YEAR_10000_MICROS - marginMicros) {
      return null;
    }
    return instant(micros);
  }

  static Instant instant(long micros) {
    long seconds = Math.floorDiv(micros, 1_000_000L);
    return Instant.ofEpochSecond(seconds, (micros - seconds * 1_000_000L) * 1_000L);
  }

  static long micros(Instant instant) {
    return instant.getEpochSecond() * 1_000_000L + instant.getNano() / 1_000;
  }

  private static String unit(Column column, Declared declared) {
    if (declared == null || declared.name() == null) return column.unit();
    return switch (declared.name()) {
      case "io.debezium.time.Timestamp", "org.apache.kafka.connect.data.Timestamp" -> "millis";
      case "io.debezium.time.MicroTimestamp" -> "micros";
      case "io.debezium.time.NanoTimestamp" -> "nanos";
      default -> column.unit();
    };
  }

  private static Long micros(long number, String unit) {
    return switch (unit) {
      case "micros" -> number;
      case "millis" -> Math.abs(number) > Long.MAX_VALUE / 1_000 || number == Long.MIN_VALUE ? null : number * 1_000L;
      // Postgres' infinities come as numbers within the last second of the range.
      default -> Math.abs(number) >= 9_223_372_036_000_000_000L || number == Long.MIN_VALUE
          ? null
          : (Long) Math.floorDiv(number, 1_000L);
    };
  }

  /** Of {@code 2026-03-01T09:30:00.123456Z}, with a blank for T, without seconds, or with an offset; else null. */
  static Long microsOfIso(String text) {
    int length = text.length();
    if (length < 17 || (text.charAt(10) != 'T' && text.charAt(10) != ' ') || text.charAt(13) != ':') return null;
    Long day = day(text);
    int hour = number(text, 11, 13);
    int minute = number(text, 14, 16);
    int second = 0;
    long fraction = 0;
    int at = 16;
    if (text.charAt(at) == ':') {
      second = number(text, 17, 19);
      at = 19;
      if (at < length && text.charAt(at) == '.') {
        int start = ++at;
        for (long unit = 100_000; at < length && isDigit(text, at); at++, unit /= 10) {
          fraction += unit * (text.charAt(at) - '0');
        }
        if (at == start || at - start > 9) return null;
      }
    }
    Integer offset = offsetMinutes(text, at);
    if (day == null || offset == null || !(within(hour, 24) && within(minute, 60) && within(second, 60))) return null;
    return ((day * 24 + hour) * 60 + minute - offset) * 60_000_000L + second * 1_000_000L + fraction;
  }

  private static boolean within(int number, int limit) {
    return number >= 0 && number < limit;
  }

  /** Of {@code Z}, {@code +02}, {@code +0200} or {@code +02:00} at the end of the text. */
  private static Integer offsetMinutes(String text, int at) {
    int length = text.length() - at;
    if (length < 1) return null;
    char sign = text.charAt(at);
    if (sign == 'Z') return length == 1 ? 0 : null;
    if (sign != '+' && sign != '-') return null;
    int minutesAt = at + (length == 6 && text.charAt(at + 3) == ':' ? 4 : 3);
    if (length != 3 && length != 5 && minutesAt != at + 4) return null;
    int hours = number(text, at + 1, at + 3);
    int minutes = length == 3 ? 0 : number(text, minutesAt, minutesAt + 2);
    if (hours < 0 || minutes < 0) return null;
    return (sign == '-' ? -1 : 1) * (hours * 60 + minutes);
  }

  /** Days since 1970 of the date that the text begins with; null when there is none in the calendar. */
  private static Long day(String text) {
    if (text.charAt(4) != '-' || text.charAt(7) != '-') return null;
    int year = number(text, 0, 4);
    int month = number(text, 5, 7);
    int day = number(text, 8, 10);
    if (year < 0 || month < 1 || month > 12 || day < 1 || day > 31) return null;
    boolean exists = day <= 28 || day <= YearMonth.of(year, month).lengthOfMonth();
    return exists ? (Long) LocalDate.of(year, month, day).toEpochDay() : null;
  }

  /** -1 when it is no number, or the text ends before. */
  private static int number(String text, int from, int to) {
    if (to > text.length()) return -1;
    int number = 0;
    for (int i = from; i < to; i++) {
      if (!isDigit(text, i)) return -1;
      number = number * 10 + text.charAt(i) - '0';
    }
    return number;
  }

  private static boolean isDigit(String text, int at) {
    char c = text.charAt(at);
    return c >= '0' && c <= '9';
  }

  // --- Decimals ------------------------------------------------------------------------------------------------------

  private static BigDecimal decimal(Column column, Cell cell, Declared declared) {
    BigDecimal number;
    if (cell.kind() == Cell.Kind.SCALED) {
      number = precise(cell.text(), cell.scale());
    } else if (cell.kind() == Cell.Kind.TEXT && isPrecise(column, cell.text(), declared)) {
      String scale = declared == null ? null : declared.scale();
      number = precise(cell.text(), scale == null ? String.valueOf(column.scale()) : scale);
    } else if (cell.kind() == Cell.Kind.TEXT || cell.kind() == Cell.Kind.NUMBER) {
      number = number(cell.text());
    } else {
      return null;
    }
    return number == null ? null : fitting(number, column);
  }

  /** Whether a text is base64 of the unscaled value, and not the digits themselves. */
  private static boolean isPrecise(Column column, String text, Declared declared) {
    if (!column.encoding().equals("auto")) return column.encoding().equals("precise");
    if (declared != null && declared.type() != null) return declared.type().equals("bytes");
    // Eight letters that would pass for base64.
    return isBase64(text) && !text.equalsIgnoreCase("infinity");
  }

  private static boolean isBase64(String text) {
    int length = text.length();
    if (length == 0 || length % 4 != 0) return false;
    int end = text.endsWith("==") ? length - 2 : text.endsWith("=") ? length - 1 : length;
    for (int i = 0; i < end; i++) {
      char c = text.charAt(i);
      boolean isLetter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
      if (!isLetter && !(c >= '0' && c <= '9') && c != '+' && c != '/') return false;
    }
    return true;
  }

  private static BigDecimal precise(String base64, String scale) {
    Long places = digits(scale);
    // Scales of every NUMERIC that can be in 38 digits.
    if (!isBase64(base64) || places == null || places < -38 || places > 76) return null;
    BigInteger unscaled = new BigInteger(Base64.getDecoder().decode(base64));
    return unscaled.bitLength() > MOST_BITS ? null : new BigDecimal(unscaled, places.intValue());
  }

  /** Of digits, a point, an exponent; null for everything else. */
  private static BigDecimal number(String text) {
    if (text.length() > MOST_DIGITS) return null;
    for (int i = 0; i < text.length(); i++) if (text.charAt(i) > 'z') return null; // digits of other scripts
    try {
      return new BigDecimal(text);
    } catch (NumberFormatException noNumber) {
      return null;
    }
  }

  /** Null when digits would have to be cut off: it is never rounded. */
  private static BigDecimal fitting(BigDecimal number, Column column) {
    if (number.signum() == 0) return BigDecimal.ZERO.setScale(column.scale());
    int whole = column.precision() - column.scale();
    if ((long) number.precision() - number.scale() > whole) return null;
    if (number.scale() == column.scale()) return number;
    BigDecimal stripped = number.stripTrailingZeros();
    return stripped.scale() > column.scale() ? null : stripped.setScale(column.scale());
  }
}
