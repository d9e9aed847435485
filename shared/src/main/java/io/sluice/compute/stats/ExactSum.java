package io.sluice.compute.stats;

import java.math.BigInteger;

/**
 * A sum without any rounding: a fixed-point number wide enough for every double, their squares and
 * 2^63 of them (a small superaccumulator, after R. M. Neal, "Fast exact summation using small and
 * large superaccumulators", arXiv:1505.05571). Not thread-safe.
 */
public final class ExactSum {
  /** Exponent of the lowest bit, below that of the smallest double squared (2^-2148). */
  private static final int LOW = -2176;

  /** Digits of 32 bits, up to 2^2112 and a sign. */
  private static final int DIGITS = (2112 - LOW) / 32 + 2;

  private static final long MASK = 0xffff_ffffL;

  /** A digit is far from overflow after so many additions of less than 2^32. */
  private static final int MAX_PENDING = 1 << 29;

  private final long[] digits = new long[DIGITS];
  private int pending;

  /** Adds {@code value · 2^exponent}. */
  public void add(long value, int exponent) {
    // The magnitude of Long.MIN_VALUE is itself, read as unsigned.
    addUnsigned(Math.abs(value), exponent, value < 0);
  }

  /** Adds {@code value · 2^exponent}, {@code value} unsigned. */
  void addUnsigned(long value, int exponent, boolean negative) {
    int bit = exponent - LOW;
    int digit = bit >>> 5;
    int shift = bit & 31;
    long low = (value << shift) & MASK;
    long middle = (value >>> (32 - shift)) & MASK;
    long high = shift == 0 ? 0 : value >>> (64 - shift);
    if (negative) {
      digits[digit] -= low;
      digits[digit + 1] -= middle;
      digits[digit + 2] -= high;
    } else {
      digits[digit] += low;
      digits[digit + 1] += middle;
      digits[digit + 2] += high;
    }
    if (++pending == MAX_PENDING) {
      carry();
    }
  }

  /** Adds a finite double. */
  public void add(double value) {
    long bits = Double.doubleToRawLongBits(value);
    add(signedMantissa(bits), exponent(bits));
  }

  /** Adds the square of a finite double. */
  void addSquare(double value) {
    long bits = Double.doubleToRawLongBits(value);
    long mantissa = Math.abs(signedMantissa(bits));
    int exponent = 2 * exponent(bits);
    addUnsigned(mantissa * mantissa, exponent, false);
    addUnsigned(Math.unsignedMultiplyHigh(mantissa, mantissa), exponent + 64, false);
  }

  private static long signedMantissa(long bits) {
    long fraction = bits & ((1L << 52) - 1);
    long mantissa = (bits & 0x7ff0_0000_0000_0000L) == 0 ? fraction : fraction | (1L << 52);
    return bits < 0 ? -mantissa : mantissa;
  }

  private static int exponent(long bits) {
    return Math.max((int) (bits >>> 52) & 0x7ff, 1) - 1075;
  }

  /** Leaves digits of 0 to 2^32 - 1; the last one carries the sign. */
  private void carry() {
    for (int i = 0; i < DIGITS - 1; i++) {
      digits[i + 1] += digits[i] >> 32;
      digits[i] &= MASK;
    }
    pending = 0;
  }

  /** The sum so far. */
  public Dyadic value() {
    carry();
    int first = 0;
    while (first < DIGITS && digits[first] == 0) {
      first++;
    }
    if (first == DIGITS) {
      return Dyadic.ZERO;
    }
    byte[] bytes = new byte[4 * (DIGITS - first)];
    for (int i = first; i < DIGITS; i++) {
      for (int b = 0; b < 4; b++) {
        bytes[bytes.length - 1 - 4 * (i - first) - b] = (byte) (digits[i] >> (8 * b));
      }
    }
    return new Dyadic(new BigInteger(bytes), LOW + 32 * first);
  }
}
