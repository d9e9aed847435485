package io.sluice.compute.stats;

import io.sluice.compute.kernel.Vectors;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * {@link ChunkSums} of floats straight from memory, in one pass, for processes of Java.
 *
 * <p>A chunk is two pieces that lie far apart: processors fetch ahead from two places more than
 * from one, which is worth a seventh of the speed. Squares are added as {@link VectorChunkSums}
 * does. The start of their accumulators is not taken from a first pass over the chunk but from the
 * chunks before, and whether it served is seen at the end; if not, the chunk is read again with its
 * own. Zeros are looked for in another pass if there is one at all. Not thread-safe.
 */
final class SegmentSums {
  /** Of 512 bits where the processor has them: sums are exact, so the width does not matter. */
  private static final VectorSpecies<Float> FLOATS =
      Vectors.wide() ? FloatVector.SPECIES_512 : FloatVector.SPECIES_256;

  private static final VectorSpecies<Integer> INTS =
      Vectors.wide() ? IntVector.SPECIES_512 : IntVector.SPECIES_256;
  private static final VectorSpecies<Float> HALVES =
      Vectors.wide() ? FloatVector.SPECIES_256 : FloatVector.SPECIES_128;
  private static final VectorSpecies<Double> DOUBLES =
      Vectors.wide() ? DoubleVector.SPECIES_512 : DoubleVector.SPECIES_256;

  /** Bytes in a vector, and in half of one. */
  private static final int VECTOR = 4 * FLOATS.length();

  private static final int HALF = VECTOR / 2;

  /** Logarithm of the elements that a lane adds up. */
  private static final int ROWS_BITS = 7;

  /** Floats in a piece, which is half a chunk. */
  static final int PIECE = FLOATS.length() << ROWS_BITS;

  private static final int PIECE_BYTES = 4 * PIECE;

  /** Logarithm of the vectors of sums, which are added to one. */
  private static final int MERGED_BITS = 2;

  private static final int INFINITY = 0x7f80_0000;

  private int largestSigned;
  private int largestNegated; // of the bits with the other sign
  private int leastMagnitude; // bits
  private int zeros;
  private final double[] sums = new double[DOUBLES.length()];
  private final double[] high = new double[DOUBLES.length()];
  private final double[] low = new double[DOUBLES.length()];

  /** Exponent at which squares are added, as the chunks before would have it. */
  private int top;

  /**
   * Adds two pieces of {@link #PIECE} floats up.
   *
   * @param first the first float of one
   * @param second the first float of the other
   * @return false if one is not finite or they are too far apart to be added exactly here
   */
  boolean add(MemorySegment data, long first, long second, ChunkSums.Result result) {
    MemorySegment left = data.asSlice(4 * first, PIECE_BYTES);
    MemorySegment right = data.asSlice(4 * second, PIECE_BYTES);
    pass(left, right, Math.scalb(1.5, top));
    int largest = Math.max(0, Math.max(largestSigned, largestNegated));
    if (largest >= INFINITY) {
      return false;
    }
    zeros = 0;
    if (leastMagnitude == 0) {
      findZeros(left, right);
    }
    int smallest = leastMagnitude;
    int unit = Math.max(smallest >>> 23, 1) - 127 - 23;
    if (smallest != 0) {
      // Squares are below 2^(2·exponent + 2), a lane's sum of them below half of 2^top.
      int least = 2 * (Math.max(largest >>> 23, 1) - 127) + 2 + ROWS_BITS + 1;
      if (!exact(least, unit)) {
        return false;
      }
      if (top < least || !exact(top, unit)) {
        top = least;
        pass(left, right, Math.scalb(1.5, top));
      }
    }
    result.begin(zeros, largestSigned, largestNegated, smallest);
    if (smallest != 0) {
      result.sum(ChunkSums.inUnits(sums, unit), unit);
      result.square(ChunkSums.inUnits(high, top - 52), top - 52);
      result.square(ChunkSums.inUnits(low, 2 * unit), 2 * unit);
    }
    return true;
  }

  /**
   * Whether a double holds each sum of what squares leave: each is a multiple of the unit squared
   * and at most half of the last bit of an accumulator. (Sums of the elements have fewer bits.)
   */
  private static boolean exact(int top, int unit) {
    return top - 53 + ROWS_BITS + MERGED_BITS - 2 * unit <= 53;
  }

  private static IntVector bits(MemorySegment chunk, int at) {
    return IntVector.fromMemorySegment(INTS, chunk, at, ByteOrder.LITTLE_ENDIAN);
  }

  private static DoubleVector load(MemorySegment chunk, int at) {
    return (DoubleVector)
        FloatVector.fromMemorySegment(HALVES, chunk, at, ByteOrder.LITTLE_ENDIAN)
            .convertShape(VectorOperators.F2D, DOUBLES, 0);
  }

  // Lanes are compared without sign, but never reduced so: see VectorChunkSums.
  private void pass(MemorySegment left, MemorySegment right, double start) {
    IntVector max = IntVector.broadcast(INTS, Integer.MIN_VALUE);
    IntVector most = IntVector.zero(INTS);
    IntVector least = IntVector.broadcast(INTS, -1);
    IntVector max2 = max;
    IntVector most2 = most;
    IntVector least2 = least;
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
    for (int i = 0; i < PIECE_BYTES; i += VECTOR) {
      IntVector bits = bits(left, i);
      IntVector bits2 = bits(right, i);
      max = max.max(bits);
      max2 = max2.max(bits2);
      most = most.lanewise(VectorOperators.UMAX, bits);
      most2 = most2.lanewise(VectorOperators.UMAX, bits2);
      least = least.lanewise(VectorOperators.UMIN, bits.add(bits)); // without the sign
      least2 = least2.lanewise(VectorOperators.UMIN, bits2.add(bits2));
      DoubleVector x0 = load(left, i);
      DoubleVector x1 = load(left, i + HALF);
      DoubleVector x2 = load(right, i);
      DoubleVector x3 = load(right, i + HALF);
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
    largestSigned = max.max(max2).reduceLanes(VectorOperators.MAX);
    largestNegated =
        most.lanewise(VectorOperators.UMAX, most2)
            .lanewise(VectorOperators.XOR, Integer.MIN_VALUE)
            .reduceLanes(VectorOperators.MAX);
    int doubled =
        least
            .lanewise(VectorOperators.UMIN, least2)
            .lanewise(VectorOperators.XOR, Integer.MIN_VALUE)
            .reduceLanes(VectorOperators.MIN);
    leastMagnitude = (doubled ^ Integer.MIN_VALUE) >>> 1;
    s0.add(s1).add(s2.add(s3)).intoArray(sums, 0);
    l0.add(l1).add(l2.add(l3)).intoArray(low, 0);
    h0.sub(start).add(h1.sub(start)).add(h2.sub(start).add(h3.sub(start))).intoArray(high, 0);
  }

  /** Counts zeros and finds the smallest of the others, 0 if there is none. */
  private void findZeros(MemorySegment left, MemorySegment right) {
    IntVector min = IntVector.broadcast(INTS, Integer.MAX_VALUE);
    IntVector min2 = min;
    IntVector count = IntVector.zero(INTS);
    IntVector count2 = count;
    for (int i = 0; i < PIECE_BYTES; i += VECTOR) {
      // Zeros become the largest of all, the others are negative in their order.
      IntVector shifted = bits(left, i).and(Integer.MAX_VALUE).add(Integer.MAX_VALUE);
      IntVector shifted2 = bits(right, i).and(Integer.MAX_VALUE).add(Integer.MAX_VALUE);
      min = min.min(shifted);
      min2 = min2.min(shifted2);
      count = count.add(shifted.lanewise(VectorOperators.ASHR, 31));
      count2 = count2.add(shifted2.lanewise(VectorOperators.ASHR, 31));
    }
    int shiftedLeast = min.min(min2).reduceLanes(VectorOperators.MIN);
    leastMagnitude = shiftedLeast == Integer.MAX_VALUE ? 0 : shiftedLeast - Integer.MAX_VALUE;
    zeros = 2 * PIECE + count.add(count2).reduceLanes(VectorOperators.ADD);
  }
}
