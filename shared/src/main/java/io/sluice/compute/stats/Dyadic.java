package io.sluice.compute.stats;

import io.sluice.compute.ComputeException;
import java.math.BigInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An exact number {@code mantissa · 2^exponent}, as every finite float and every sum and product of
 * them is. The mantissa is odd, or 0 with exponent 0, so equal numbers are equal records.
 *
 * @param mantissa odd or 0
 * @param exponent within ±{@value #MAX_EXPONENT}
 */
public record Dyadic(BigInteger mantissa, int exponent) implements Comparable<Dyadic> {
  /** The number 0. */
  public static final Dyadic ZERO = new Dyadic(BigInteger.ZERO, 0);

  private static final int MAX_EXPONENT = 10_000;
  private static final Pattern TEXT = Pattern.compile("(-?[0-9a-f]{1,2000})p(-?[0-9]{1,5})");

  /** Bits of a quotient: more than a double has, so that one rounding remains. */
  private static final int QUOTIENT_BITS = 66;

  public Dyadic {
    if (Math.abs(exponent) > MAX_EXPONENT) {
      throw new ArithmeticException("exponent " + exponent + " exceeds ±" + MAX_EXPONENT);
    }
    int zeros = Math.max(0, mantissa.getLowestSetBit());
    mantissa = mantissa.shiftRight(zeros);
    exponent = mantissa.signum() == 0 ? 0 : exponent + zeros;
  }

  static Dyadic of(long value) {
    return new Dyadic(BigInteger.valueOf(value), 0);
  }

  /** A finite double, exactly. */
  static Dyadic of(double value) {
    if (value == 0) {
      return ZERO;
    }
    int exponent = Math.max(Math.getExponent(value), Double.MIN_EXPONENT) - 52;
    // Two steps: 2^1074 is no double.
    double whole = Math.scalb(Math.scalb(value, -exponent / 2), -exponent + exponent / 2);
    return new Dyadic(BigInteger.valueOf((long) whole), exponent);
  }

  /** Reads what {@link #toString} wrote. */
  public static Dyadic parse(String text) {
    Matcher matcher = TEXT.matcher(text);
    if (!matcher.matches() || Math.abs(Integer.parseInt(matcher.group(2))) > MAX_EXPONENT) {
      throw ComputeException.invalidPartial(
          "an exact number is '<hex>p<exponent>', got '"
              + text.substring(0, Math.min(text.length(), 40))
              + "'");
    }
    return new Dyadic(new BigInteger(matcher.group(1), 16), Integer.parseInt(matcher.group(2)));
  }

  /** The exact sum. */
  public Dyadic plus(Dyadic other) {
    int low = Math.min(exponent, other.exponent);
    return new Dyadic(scaledTo(low).add(other.scaledTo(low)), low);
  }

  Dyadic minus(Dyadic other) {
    return plus(new Dyadic(other.mantissa.negate(), other.exponent));
  }

  Dyadic times(Dyadic other) {
    return new Dyadic(mantissa.multiply(other.mantissa), exponent + other.exponent);
  }

  /** As an integer, which it must be. */
  BigInteger toInteger() {
    if (exponent < 0) {
      throw new ArithmeticException(this + " is no integer");
    }
    return scaledTo(0);
  }

  /** The nearest double, ties to even; infinite beyond the largest. */
  public double toDouble() {
    return round(mantissa, exponent, false);
  }

  /** The double nearest to this divided by a positive integer. */
  public double dividedBy(BigInteger divisor) {
    int shift = quotientShift(divisor, QUOTIENT_BITS);
    BigInteger[] result = mantissa.shiftLeft(shift).divideAndRemainder(divisor);
    return round(result[0], exponent - shift, result[1].signum() != 0);
  }

  /** The double nearest to the square root of this, not negative, divided by a positive integer. */
  public double rootOfQuotient(BigInteger divisor) {
    int shift = quotientShift(divisor, 2 * QUOTIENT_BITS);
    shift += (exponent - shift) & 1;
    BigInteger[] quotient = mantissa.shiftLeft(shift).divideAndRemainder(divisor);
    BigInteger[] root = quotient[0].sqrtAndRemainder();
    boolean inexact = quotient[1].signum() != 0 || root[1].signum() != 0;
    return round(root[0], (exponent - shift) / 2, inexact);
  }

  private int quotientShift(BigInteger divisor, int bits) {
    return Math.max(0, bits + divisor.bitLength() - mantissa.bitLength());
  }

  /**
   * Rounds {@code whole · 2^exponent}, or something a little further from zero if it is inexact
   * (then {@code whole} has more bits than a double).
   */
  private static double round(BigInteger whole, int exponent, boolean inexact) {
    BigInteger magnitude = whole.abs();
    int unit = Math.max(magnitude.bitLength() + exponent - 53, Double.MIN_EXPONENT - 52);
    int drop = unit - exponent;
    double result;
    if (drop <= 0) {
      result = Math.scalb((double) magnitude.longValueExact(), exponent);
    } else {
      BigInteger kept = magnitude.shiftRight(drop);
      int half =
          magnitude.subtract(kept.shiftLeft(drop)).compareTo(BigInteger.ONE.shiftLeft(drop - 1));
      boolean up = half > 0 || (half == 0 && (inexact || kept.testBit(0)));
      result = Math.scalb((double) (kept.longValueExact() + (up ? 1 : 0)), unit);
    }
    return whole.signum() < 0 ? -result : result;
  }

  private BigInteger scaledTo(int low) {
    return mantissa.shiftLeft(exponent - low);
  }

  @Override
  public int compareTo(Dyadic other) {
    int low = Math.min(exponent, other.exponent);
    return scaledTo(low).compareTo(other.scaledTo(low));
  }

  @Override
  public String toString() {
    return mantissa.toString(16) + "p" + exponent;
  }
}
