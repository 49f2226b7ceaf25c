package cdcfeatures;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.LocalDate;
import java.util.Arrays;

/** Values as bytes, as short as they are: how rows travel to the state and stand there. */
final class Packed {

  private static final int NULL = 0;
  private static final int VALUE = 1;
  private static final int LONG_DECIMAL = 2;

  private Packed() {}

  /** A column's type, in the definition's words, and the scale of a decimal. */
  record Type(String type, int scale) implements java.io.Serializable {}

  static final class Writer {
    private byte[] bytes;
    private int size;

    Writer(int capacity) {
      bytes = new byte[Math.max(capacity, 16)];
    }

    byte[] toBytes() {
      return size == bytes.length ? bytes : Arrays.copyOf(bytes, size);
    }

    int size() {
      return size;
    }

    void clear() {
      size = 0;
    }

    void oneByte(int value) {
      room(1);
      bytes[size++] = (byte) value;
    }

    void copy(byte[] from, int start, int end) {
      room(end - start);
      System.arraycopy(from, start, bytes, size, end - start);
      size += end - start;
    }

    void block(byte[] block) {
      unsigned(block.length);
      copy(block, 0, block.length);
    }

    void block(Writer block) {
      unsigned(block.size);
      copy(block.bytes, 0, block.size);
    }

    /** Bytes that {@link #unsigned} takes. */
    static int sizeOfUnsigned(long value) {
      return (Long.SIZE + 6 - Long.numberOfLeadingZeros(value | 1)) / 7;
    }

    static int sizeOfSigned(long value) {
      return sizeOfUnsigned(zigzag(value));
    }

    private static long zigzag(long value) {
      return (value << 1) ^ (value >> 63);
    }

    /** Seven bits a byte, the lowest first. */
    void unsigned(long value) {
      room(10);
      while ((value & ~0x7fL) != 0) {
        bytes[size++] = (byte) (value | 0x80);
        value >>>= 7;
      }
      bytes[size++] = (byte) value;
    }

    void signed(long value) {
      unsigned(zigzag(value));
    }

    void value(Object value) {
      if (value == null) {
        oneByte(NULL);
        return;
      }
      if (value instanceof BigDecimal decimal) {
        decimal(decimal.unscaledValue());
        return;
      }
      oneByte(VALUE);
      if (value instanceof Long number) signed(number);
      else if (value instanceof Integer number) signed(number);
      else if (value instanceof Instant time) signed(Values.micros(time));
      else if (value instanceof LocalDate date) signed(date.toEpochDay());
      else if (value instanceof Boolean truth) oneByte(truth ? 1 : 0);
      else block(((String) value).getBytes(StandardCharsets.UTF_8));
    }

    private void decimal(BigInteger unscaled) {
      if (unscaled.bitLength() < Long.SIZE) {
        oneByte(VALUE);
        signed(unscaled.longValue());
      } else {
        oneByte(LONG_DECIMAL);
        block(unscaled.toByteArray());
      }
    }

    private void room(int more) {
      if (size + more > bytes.length) bytes = Arrays.copyOf(bytes, Math.max(bytes.length * 2, size + more));
    }
  }

  static final class Reader {
    final byte[] bytes;
    int at;

    Reader(byte[] bytes, int start) {
      this.bytes = bytes;
      this.at = start;
    }

    int oneByte() {
      return bytes[at++];
    }

    int length() {
      return (int) unsigned();
    }

    long unsigned() {
      long value = bytes[at++];
      if (value >= 0) return value;
      value &= 0x7f;
      for (int shift = 7; ; shift += 7) {
        long next = bytes[at++];
        value |= (next & 0x7f) << shift;
        if (next >= 0) return value;
      }
    }

    long signed() {
      long value = unsigned();
      return (value >>> 1) ^ -(value & 1);
    }

    /**
     * As Spark takes it, but a time as micros and a date as days: Long, Integer, BigDecimal, Boolean, String; or null.
     */
    Object value(Type type) {
      int kind = oneByte();
      if (kind == NULL) return null;
      return switch (type.type()) {
        case "bigint", "timestamp" -> signed();
        case "integer", "date" -> (int) signed();
        case "boolean" -> oneByte() != 0;
        case "text" -> {
          int length = length();
          at += length;
          yield new String(bytes, at - length, length, StandardCharsets.UTF_8);
        }
        default -> kind == VALUE ? BigDecimal.valueOf(signed(), type.scale()) : longDecimal(type.scale());
      };
    }

    private BigDecimal longDecimal(int scale) {
      int length = length();
      at += length;
      return new BigDecimal(new BigInteger(bytes, at - length, length), scale);
    }
  }

  /** In the order of Spark's own sort of texts; values of one type. */
  @SuppressWarnings("unchecked")
  static int compare(Object a, Object b) {
    if (a instanceof String one && b instanceof String other) {
      return Arrays.compareUnsigned(one.getBytes(StandardCharsets.UTF_8), other.getBytes(StandardCharsets.UTF_8));
    }
    return ((Comparable<Object>) a).compareTo(b);
  }
}
