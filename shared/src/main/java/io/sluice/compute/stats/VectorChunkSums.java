package io.sluice.compute.stats;

import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * {@link ChunkSums} with vectors.
 *
 * <p>A first pass over a chunk finds its smallest and largest magnitude other than 0. If their
 * exponents are no more than a bound apart, all additions of the second pass are exact:
 *
 * <ul>
 *   <li>Floats are multiples of one unit, and a lane's sum of {@value #ROWS} of them has at most 53
 *       bits of it.
 *   <li>A square has 48 bits. It is added by a fused multiply-add to an accumulator that starts so
 *       high ({@code 1.5 · 2^k}) that it keeps its exponent, so that what it takes in is a multiple
 *       of its last bit and known exactly; what it leaves is added to a second accumulator.
 *   <li>Doubles are cut in the same way; their squares are first split in the rounded product and
 *       its error (Dekker), each of which is cut.
 * </ul>
 */
final class VectorChunkSums implements ChunkSums {
  private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_256;
  private static final VectorSpecies<Float> HALF = FloatVector.SPECIES_128;
  private static final VectorSpecies<Double> DOUBLES = DoubleVector.SPECIES_256;
  private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_256;
  private static final VectorSpecies<Long> LONGS = LongVector.SPECIES_256;

  private static final int LANES = 16;

  /** Most elements that a lane adds up. */
  private static final int ROWS = MOST / LANES;

  private static final int ROWS_BITS = 7;

  private static final int INFINITY = 0x7f80_0000;
  private static final long LONG_INFINITY = 0x7ff0_0000_0000_0000L;

  // Smallest and largest of the first pass.
  private int largestSigned;
  private int largestNegated; // of the bits with the other sign
  private int smallestShifted;
  private int zeros;

  private final double[] sums = new double[LANES];
  private final double[] high = new double[LANES];
  private final double[] low = new double[LANES];
  private final double[] errorHigh = new double[LANES];
  private final double[] errorLow = new double[LANES];
  private final double[] rest = new double[LANES];

  @Override
  public boolean add(float[] values, int n, Result result) {
    scan(values, n);
    int largest = Math.max(0, Math.max(largestSigned, largestNegated));
    if (largest >= INFINITY) {
      return false;
    }
    int smallest = smallestShifted == Integer.MAX_VALUE ? 0 : smallestShifted - Integer.MAX_VALUE;
    int maxExponent = Math.max(largest >>> 23, 1) - 127;
    int minExponent = Math.max(smallest >>> 23, 1) - 127;
    if (smallest != 0 && maxExponent - minExponent > FLOAT_SPREAD) {
      return false;
    }
    result.begin(zeros, largestSigned, largestNegated, smallest);
    if (smallest != 0) {
      // Squares are below 2^(2·maxExponent + 2), a lane's sum of them below half of 2^top.
      int top = 2 * maxExponent + 2 + ROWS_BITS + 1;
      double start = Math.scalb(1.5, top);
      addFloats(values, n, start);
      for (int i = 0; i < LANES; i++) {
        high[i] -= start;
      }
      int unit = minExponent - 23;
      result.sum(ChunkSums.inUnits(sums, unit), unit);
      result.square(ChunkSums.inUnits(high, top - 52), top - 52);
      result.square(ChunkSums.inUnits(low, 2 * unit), 2 * unit);
    }
    return true;
  }

  // The largest magnitude of negative elements is found by a flip of the sign: the unsigned maximum
  // of a vector's lanes came out wrong now and then as compiled by JDK 25.
  private void scan(float[] values, int n) {
    IntVector max = IntVector.broadcast(INTS, Integer.MIN_VALUE);
    IntVector negated = max;
    IntVector min = IntVector.broadcast(INTS, Integer.MAX_VALUE);
    IntVector count = IntVector.zero(INTS);
    IntVector max2 = max;
    IntVector negated2 = negated;
    IntVector min2 = min;
    IntVector count2 = count;
    for (int i = 0; i < n; i += LANES) {
      IntVector bits = FloatVector.fromArray(FLOATS, values, i).reinterpretAsInts();
      IntVector bits2 = FloatVector.fromArray(FLOATS, values, i + 8).reinterpretAsInts();
      max = max.max(bits);
      max2 = max2.max(bits2);
      negated = negated.max(bits.lanewise(VectorOperators.XOR, Integer.MIN_VALUE));
      negated2 = negated2.max(bits2.lanewise(VectorOperators.XOR, Integer.MIN_VALUE));
      // Zeros become the largest of all, the others are negative in their order.
      IntVector shifted = bits.and(Integer.MAX_VALUE).add(Integer.MAX_VALUE);
      IntVector shifted2 = bits2.and(Integer.MAX_VALUE).add(Integer.MAX_VALUE);
      min = min.min(shifted);
      min2 = min2.min(shifted2);
      count = count.add(shifted.lanewise(VectorOperators.ASHR, 31));
      count2 = count2.add(shifted2.lanewise(VectorOperators.ASHR, 31));
    }
    largestSigned = max.max(max2).reduceLanes(VectorOperators.MAX);
    largestNegated = negated.max(negated2).reduceLanes(VectorOperators.MAX);
    smallestShifted = min.min(min2).reduceLanes(VectorOperators.MIN);
    zeros = n + count.add(count2).reduceLanes(VectorOperators.ADD);
  }

  private static DoubleVector load(float[] values, int at) {
    return (DoubleVector)
        FloatVector.fromArray(HALF, values, at).convertShape(VectorOperators.F2D, DOUBLES, 0);
  }

  private void addFloats(float[] values, int n, double start) {
    DoubleVector s0 = DoubleVector.zero(DOUBLES);
    DoubleVector s1 = s0;
    DoubleVector s2 = s0;
    DoubleVector s3 = s0;
    DoubleVector l0 = s0;
    DoubleVector l1 = s0;
    DoubleVector l2 = s0;
    DoubleVector l3 = s0;
    DoubleVector h0 = DoubleVector.broadcast(DOUBLES, start);
    DoubleVector h1 = h0;
    DoubleVector h2 = h0;
    DoubleVector h3 = h0;
    for (int i = 0; i < n; i += LANES) {
      DoubleVector x0 = load(values, i);
      DoubleVector x1 = load(values, i + 4);
      DoubleVector x2 = load(values, i + 8);
      DoubleVector x3 = load(values, i + 12);
      s0 = s0.add(x0);
      s1 = s1.add(x1);
      s2 = s2.add(x2);
      s3 = s3.add(x3);
      DoubleVector n0 = x0.fma(x0, h0);
      DoubleVector n1 = x1.fma(x1, h1);
      DoubleVector n2 = x2.fma(x2, h2);
      DoubleVector n3 = x3.fma(x3, h3);
      l0 = l0.add(x0.fma(x0, h0.sub(n0)));
      l1 = l1.add(x1.fma(x1, h1.sub(n1)));
      l2 = l2.add(x2.fma(x2, h2.sub(n2)));
      l3 = l3.add(x3.fma(x3, h3.sub(n3)));
      h0 = n0;
      h1 = n1;
      h2 = n2;
      h3 = n3;
    }
    store(sums, s0, s1, s2, s3);
    store(high, h0, h1, h2, h3);
    store(low, l0, l1, l2, l3);
  }

  private static void store(
      double[] into, DoubleVector a, DoubleVector b, DoubleVector c, DoubleVector d) {
    a.intoArray(into, 0);
    b.intoArray(into, 4);
    c.intoArray(into, 8);
    d.intoArray(into, 12);
  }

  // ---- doubles

  /** Distance of exponents at which doubles and their squares are added exactly. */
  private static final int DOUBLE_SPREAD = 19;

  private static final int DOUBLE_ROWS_BITS = 6;

  /** Exponents between which squares and their errors neither overflow nor underflow. */
  private static final int DOUBLE_MIN = -400;

  private static final int DOUBLE_MAX = 400;

  @Override
  public boolean add(double[] values, int n, Result result) {
    LongVector max = LongVector.broadcast(LONGS, Long.MIN_VALUE);
    LongVector negated = max;
    LongVector min = LongVector.broadcast(LONGS, Long.MAX_VALUE);
    LongVector count = LongVector.zero(LONGS);
    for (int i = 0; i < n; i += 4) {
      LongVector bits = DoubleVector.fromArray(DOUBLES, values, i).reinterpretAsLongs();
      max = max.max(bits);
      negated = negated.max(bits.lanewise(VectorOperators.XOR, Long.MIN_VALUE));
      LongVector shifted = bits.and(Long.MAX_VALUE).add(Long.MAX_VALUE);
      min = min.min(shifted);
      count = count.add(shifted.lanewise(VectorOperators.ASHR, 63));
    }
    long signedMost = max.reduceLanes(VectorOperators.MAX);
    long negatedMost = negated.reduceLanes(VectorOperators.MAX);
    long shiftedLeast = min.reduceLanes(VectorOperators.MIN);
    long largest = Math.max(0, Math.max(signedMost, negatedMost));
    if (largest >= LONG_INFINITY) {
      return false;
    }
    long smallest = shiftedLeast == Long.MAX_VALUE ? 0 : shiftedLeast - Long.MAX_VALUE;
    int maxExponent = (int) (largest >>> 52) - 1023;
    int minExponent = (int) (smallest >>> 52) - 1023;
    if (smallest != 0
        && (maxExponent - minExponent > DOUBLE_SPREAD
            || minExponent < DOUBLE_MIN
            || maxExponent > DOUBLE_MAX)) {
      return false;
    }
    int zeroDoubles = n + (int) count.reduceLanes(VectorOperators.ADD);
    result.begin(zeroDoubles, signedMost, negatedMost, smallest);
    if (smallest != 0) {
      addDoubles(values, n, maxExponent, minExponent, result);
    }
    return true;
  }

  /**
   * Three sums, each in a high and a low accumulator: the values (53 bits), the rounded squares
   * (53) and the errors of their rounding (53 more).
   */
  private void addDoubles(double[] values, int n, int maxExponent, int minExponent, Result result) {
    int rowsBits = DOUBLE_ROWS_BITS;
    int top = maxExponent + 1 + rowsBits + 1;
    int squareTop = 2 * maxExponent + 2 + rowsBits + 1;
    int errorTop = squareTop - 53;
    double start = Math.scalb(1.5, top);
    double squareStart = Math.scalb(1.5, squareTop);
    double errorStart = Math.scalb(1.5, errorTop);
    DoubleVector h0 = DoubleVector.broadcast(DOUBLES, start);
    DoubleVector h1 = h0;
    DoubleVector p0 = DoubleVector.broadcast(DOUBLES, squareStart);
    DoubleVector p1 = p0;
    DoubleVector e0 = DoubleVector.broadcast(DOUBLES, errorStart);
    DoubleVector e1 = e0;
    DoubleVector l0 = DoubleVector.zero(DOUBLES);
    DoubleVector l1 = l0;
    DoubleVector q0 = l0;
    DoubleVector q1 = l0;
    DoubleVector r0 = l0;
    DoubleVector r1 = l0;
    for (int i = 0; i < n; i += 8) {
      DoubleVector x0 = DoubleVector.fromArray(DOUBLES, values, i);
      DoubleVector x1 = DoubleVector.fromArray(DOUBLES, values, i + 4);
      DoubleVector n0 = h0.add(x0);
      DoubleVector n1 = h1.add(x1);
      l0 = l0.add(x0.sub(n0.sub(h0)));
      l1 = l1.add(x1.sub(n1.sub(h1)));
      h0 = n0;
      h1 = n1;
      DoubleVector square0 = x0.mul(x0);
      DoubleVector square1 = x1.mul(x1);
      DoubleVector error0 = x0.fma(x0, square0.neg());
      DoubleVector error1 = x1.fma(x1, square1.neg());
      n0 = p0.add(square0);
      n1 = p1.add(square1);
      q0 = q0.add(square0.sub(n0.sub(p0)));
      q1 = q1.add(square1.sub(n1.sub(p1)));
      p0 = n0;
      p1 = n1;
      n0 = e0.add(error0);
      n1 = e1.add(error1);
      r0 = r0.add(error0.sub(n0.sub(e0)));
      r1 = r1.add(error1.sub(n1.sub(e1)));
      e0 = n0;
      e1 = n1;
    }
    DoubleVector none = DoubleVector.zero(DOUBLES);
    store(sums, h0.sub(start), h1.sub(start), none, none);
    store(rest, l0, l1, none, none);
    store(high, p0.sub(squareStart), p1.sub(squareStart), none, none);
    store(low, q0, q1, none, none);
    store(errorHigh, e0.sub(errorStart), e1.sub(errorStart), none, none);
    store(errorLow, r0, r1, none, none);
    result.sum(ChunkSums.inUnits(sums, top - 52), top - 52);
    result.sum(ChunkSums.inUnits(rest, minExponent - 52), minExponent - 52);
    result.square(ChunkSums.inUnits(high, squareTop - 52), squareTop - 52);
    result.square(ChunkSums.inUnits(low, 2 * minExponent - 52), 2 * minExponent - 52);
    result.square(ChunkSums.inUnits(errorHigh, errorTop - 52), errorTop - 52);
    result.square(ChunkSums.inUnits(errorLow, 2 * minExponent - 104), 2 * minExponent - 104);
  }
}
