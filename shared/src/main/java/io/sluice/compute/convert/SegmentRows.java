package io.sluice.compute.convert;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Rows of F32 to rows of bytes straight from memory to memory, with vectors of 512 bits; the bits
 * are those of {@link RowKernel}. For processes of Java on processors that have such vectors.
 */
final class SegmentRows {
  private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_512;
  private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_512;
  private static final VectorSpecies<Double> DOUBLES = DoubleVector.SPECIES_512;
  private static final VectorSpecies<Byte> BYTES = ByteVector.SPECIES_128;
  private static final VectorSpecies<Float> HALVES = FloatVector.SPECIES_256;
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final int LANES = ErrorLanes.COUNT;

  /** Most elements at a time, a multiple of the lanes: differences stay in the cache. */
  static final int MOST = 1 << 13;

  private final float[] differences = new float[MOST];

  private static FloatVector load(MemorySegment from, long at) {
    return FloatVector.fromMemorySegment(FLOATS, from, at, ByteOrder.LITTLE_ENDIAN);
  }

  private static FloatVector half(MemorySegment from, long at) {
    return FloatVector.fromMemorySegment(HALVES, from, at, ByteOrder.LITTLE_ENDIAN);
  }

  /**
   * The bits of the largest magnitude of {@code n} floats; those of a NaN or an infinity if there
   * is one. Adds the squares of the floats to the signal.
   */
  int largestMagnitude(MemorySegment data, long first, int n, ErrorLanes lanes) {
    MemorySegment row = data.asSlice(4 * first, 4L * n);
    IntVector a = IntVector.zero(INTS);
    IntVector b = a;
    DoubleVector s0 = DoubleVector.fromArray(DOUBLES, lanes.signal, 0);
    DoubleVector s1 = DoubleVector.fromArray(DOUBLES, lanes.signal, 8);
    int at = 0;
    int end = n - n % (2 * LANES);
    for (; at < end; at += 2 * LANES) {
      a = a.max(load(row, 4L * at).reinterpretAsInts().and(Integer.MAX_VALUE));
      b = b.max(load(row, 4L * at + 64).reinterpretAsInts().and(Integer.MAX_VALUE));
      s0 = plusSquare(s0, half(row, 4L * at));
      s1 = plusSquare(s1, half(row, 4L * at + 32));
      s0 = plusSquare(s0, half(row, 4L * at + 64));
      s1 = plusSquare(s1, half(row, 4L * at + 96));
    }
    s0.intoArray(lanes.signal, 0);
    s1.intoArray(lanes.signal, 8);
    int largest = a.max(b).reduceLanes(VectorOperators.MAX);
    for (; at < n; at++) {
      float value = row.get(FLOAT, 4L * at);
      lanes.signal[at % LANES] += (double) value * value;
      largest = Math.max(largest, Float.floatToRawIntBits(value) & Integer.MAX_VALUE);
    }
    return largest;
  }

  private static void bytes(FloatVector rounded, MemorySegment to, long at) {
    ByteVector bytes =
        (ByteVector) rounded.reinterpretAsInts().convertShape(VectorOperators.I2B, BYTES, 0);
    bytes.intoMemorySegment(to, at, ByteOrder.LITTLE_ENDIAN);
  }

  private static byte one(float value, float factor, MemorySegment to, long at) {
    byte scaled = (byte) Float.floatToRawIntBits(value * factor + RowKernel.ROUND);
    to.set(ValueLayout.JAVA_BYTE, at, scaled);
    return scaled;
  }

  /**
   * {@code to[i] = rint(from[i] · factor)}, which fits a byte, of {@code n} elements. Adds what
   * lies between the elements and the bytes times {@code scale}.
   */
  void scale(
      MemorySegment from,
      long first,
      int n,
      float factor,
      float scale,
      MemorySegment to,
      ErrorLanes lanes) {
    MemorySegment source = from.asSlice(4 * first, 4L * n);
    MemorySegment target = to.asSlice(first, n);
    IntVector largest = IntVector.zero(INTS);
    int at = 0;
    int end = n - n % LANES;
    for (; at < end; at += LANES) {
      FloatVector x = load(source, 4L * at);
      FloatVector rounded = x.mul(factor).add(RowKernel.ROUND);
      bytes(rounded, target, at);
      FloatVector d = x.sub(rounded.sub(RowKernel.ROUND).mul(scale));
      d.intoArray(differences, at);
      largest = largest.max(d.reinterpretAsInts().and(Integer.MAX_VALUE));
    }
    lanes.largest = Math.max(lanes.largest, largest.reduceLanes(VectorOperators.MAX));
    addSquares(differences, end, lanes.errors);
    for (; at < n; at++) {
      float value = source.get(FLOAT, 4L * at);
      lanes.addError(at, value - one(value, factor, target, at) * scale);
    }
  }

  private static void addSquares(float[] values, int n, double[] lanes) {
    DoubleVector s0 = DoubleVector.fromArray(DOUBLES, lanes, 0);
    DoubleVector s1 = DoubleVector.fromArray(DOUBLES, lanes, 8);
    for (int i = 0; i < n; i += LANES) {
      s0 = plusSquare(s0, FloatVector.fromArray(HALVES, values, i));
      s1 = plusSquare(s1, FloatVector.fromArray(HALVES, values, i + 8));
    }
    s0.intoArray(lanes, 0);
    s1.intoArray(lanes, 8);
  }

  private static DoubleVector plusSquare(DoubleVector sum, FloatVector values) {
    DoubleVector wide = (DoubleVector) values.convertShape(VectorOperators.F2D, DOUBLES, 0);
    return wide.fma(wide, sum);
  }
}
