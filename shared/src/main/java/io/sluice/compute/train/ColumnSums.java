package io.sluice.compute.train;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Of each column of some rows of floats the sum and the sum of squares, without any rounding: wide
 * fixed-point numbers, as in the exact sums of {@code stats} but just wide enough for floats. They
 * add up to the same whatever the partitions are. Besides: the number of rows and the largest class
 * label among them.
 */
final class ColumnSums {
  /** Digits of 32 bits: 2^-149 to 2^128, 2^63 of them, a sign. */
  private static final int SUM = 11;

  /** Of squares: 2^-298 to 2^256. */
  private static final int SQUARE = 20;

  private static final long MASK = 0xffff_ffffL;

  /** A digit is far from overflow after so many additions of less than 2^32. */
  private static final int MAX_PENDING = 1 << 29;

  private static final MathContext PRECISION = new MathContext(40);

  private final int columns;
  private final long[] sums;
  private final long[] squares;
  private long rows;
  private long largestLabel;
  private int pending;

  ColumnSums(int columns) {
    this.columns = columns;
    this.sums = new long[Math.multiplyExact(columns, SUM)];
    this.squares = new long[Math.multiplyExact(columns, SQUARE)];
    this.largestLabel = -1;
  }

  /** Number of rows. */
  long rows() {
    return rows;
  }

  /** The largest label; -1 if there is none. */
  long largestLabel() {
    return largestLabel;
  }

  /** Notes a label. */
  void label(long label) {
    largestLabel = Math.max(largestLabel, label);
  }

  /** Adds a row of finite floats. */
  void add(float[] x, int at) {
    for (int c = 0; c < columns; c++) {
      int bits = Float.floatToRawIntBits(x[at + c]);
      int exponent = (bits >>> 23) & 0xff;
      long mantissa = exponent == 0 ? bits & 0x7f_ffff : bits & 0x7f_ffff | 0x80_0000;
      int place = Math.max(exponent - 1, 0);
      addTo(sums, c * SUM, bits < 0 ? -mantissa : mantissa, place);
      addTo(squares, c * SQUARE, mantissa * mantissa, 2 * place);
    }
    rows++;
    if (++pending == MAX_PENDING) {
      carry();
    }
  }

  /** Adds a number of at most 48 bits at a place: three digits take it. */
  private static void addTo(long[] digits, int first, long value, int place) {
    long magnitude = Math.abs(value);
    int digit = first + (place >>> 5);
    int shift = place & 31;
    long low = (magnitude << shift) & MASK;
    long rest = magnitude >>> (32 - shift);
    long middle = rest & MASK;
    long high = rest >>> 32;
    if (value < 0) {
      digits[digit] -= low;
      digits[digit + 1] -= middle;
      digits[digit + 2] -= high;
    } else {
      digits[digit] += low;
      digits[digit + 1] += middle;
      digits[digit + 2] += high;
    }
  }

  private void carry() {
    carry(sums, SUM);
    carry(squares, SQUARE);
    pending = 0;
  }

  /** Leaves digits of 0 to 2^32 - 1; the last one of each number carries the sign. */
  private static void carry(long[] digits, int width) {
    for (int i = 0; i < digits.length; i++) {
      if (i % width != width - 1) {
        digits[i + 1] += digits[i] >> 32;
        digits[i] &= MASK;
      }
    }
  }

  /** Adds the sums of other rows. */
  void add(ColumnSums other) {
    if (other.columns != columns) {
      throw new IllegalArgumentException(other.columns + " columns, expected " + columns);
    }
    carry();
    other.carry();
    for (int i = 0; i < sums.length; i++) {
      sums[i] += other.sums[i];
    }
    for (int i = 0; i < squares.length; i++) {
      squares[i] += other.squares[i];
    }
    carry();
    rows = Math.addExact(rows, other.rows);
    label(other.largestLabel);
  }

  byte[] toBytes() {
    carry();
    ByteBuffer out =
        ByteBuffer.allocate(8 * (3 + sums.length + squares.length)).order(ByteOrder.LITTLE_ENDIAN);
    out.putLong(columns).putLong(rows).putLong(largestLabel);
    out.asLongBuffer().put(sums).put(squares);
    return out.array();
  }

  static ColumnSums read(byte[] bytes) {
    ByteBuffer in = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    long columns = in.getLong();
    if (columns < 1 || bytes.length != 8 * (3 + columns * (SUM + SQUARE))) {
      throw Broken.partial("sums of columns", bytes.length);
    }
    ColumnSums sums = new ColumnSums((int) columns);
    sums.rows = in.getLong();
    sums.largestLabel = in.getLong();
    in.asLongBuffer().get(sums.sums).get(sums.squares);
    return sums;
  }

  /**
   * Means and standard deviations (of the population) as the nearest floats; a column that does not
   * vary has the scale 1, so that it stays what it is.
   */
  Scaling scaling() {
    carry();
    float[] means = new float[columns];
    float[] scales = new float[columns];
    BigInteger n = BigInteger.valueOf(rows);
    for (int c = 0; c < columns; c++) {
      BigInteger sum = value(sums, c * SUM, SUM);
      BigInteger square = value(squares, c * SQUARE, SQUARE);
      BigInteger spread = n.multiply(square).subtract(sum.multiply(sum));
      means[c] = scaled(new BigDecimal(sum).divide(new BigDecimal(n), PRECISION));
      float scale =
          spread.signum() == 0
              ? 1
              : scaled(new BigDecimal(spread).sqrt(PRECISION).divide(new BigDecimal(n), PRECISION));
      scales[c] = scale < Float.MIN_NORMAL ? 1 : scale;
    }
    return new Scaling(means, scales);
  }

  /** The value times 2^-149. */
  private static float scaled(BigDecimal value) {
    return (float) Math.scalb(value.doubleValue(), -149);
  }

  private static BigInteger value(long[] digits, int first, int width) {
    BigInteger value = BigInteger.valueOf(digits[first + width - 1]);
    for (int i = width - 2; i >= 0; i--) {
      value = value.shiftLeft(32).or(BigInteger.valueOf(digits[first + i]));
    }
    return value;
  }
}
