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
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final int LANES = 16;

  private static FloatVector load(MemorySegment from, long at) {
    return FloatVector.fromMemorySegment(FLOATS, from, at, ByteOrder.LITTLE_ENDIAN);
  }

  /**
   * The bits of the largest magnitude of {@code n} floats; those of a NaN or an infinity if there
   * is one.
   *
   * @param offset in bytes
   */
  int largestMagnitude(MemorySegment data, long offset, long n) {
    MemorySegment row = data.asSlice(offset, 4 * n);
    IntVector a = IntVector.zero(INTS);
    IntVector b = a;
    IntVector c = a;
    IntVector d = a;
    long at = 0;
    long end = n - n % (4 * LANES);
    for (; at < end; at += 4 * LANES) {
      a = a.max(load(row, 4 * at).reinterpretAsInts().and(Integer.MAX_VALUE));
      b = b.max(load(row, 4 * at + 64).reinterpretAsInts().and(Integer.MAX_VALUE));
      c = c.max(load(row, 4 * at + 128).reinterpretAsInts().and(Integer.MAX_VALUE));
      d = d.max(load(row, 4 * at + 192).reinterpretAsInts().and(Integer.MAX_VALUE));
    }
    int largest = a.max(b).max(c.max(d)).reduceLanes(VectorOperators.MAX);
    for (; at < n; at++) {
      float value = row.get(FLOAT, 4 * at);
      largest = Math.max(largest, Float.floatToRawIntBits(value) & Integer.MAX_VALUE);
    }
    return largest;
  }

  /** {@code to[i] = rint(from[i] · factor)}, which fits a byte, of {@code n} elements. */
  void scale(MemorySegment from, long first, long n, float factor, MemorySegment to) {
    MemorySegment source = from.asSlice(4 * first, 4 * n);
    MemorySegment target = to.asSlice(first, n);
    long at = 0;
    long end = n - n % LANES;
    for (; at < end; at += LANES) {
      bytes(load(source, 4 * at).mul(factor).add(RowKernel.ROUND), target, at);
    }
    for (; at < n; at++) {
      one(source.get(FLOAT, 4 * at), factor, target, at);
    }
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

  /** The same, and adds what lies between the elements and the bytes times {@code scale}. */
  void scale(
      MemorySegment from,
      long first,
      long n,
      float factor,
      float scale,
      MemorySegment to,
      ErrorLanes lanes) {
    MemorySegment source = from.asSlice(4 * first, 4 * n);
    MemorySegment target = to.asSlice(first, n);
    DoubleVector e0 = DoubleVector.fromArray(DOUBLES, lanes.errors, 0);
    DoubleVector e1 = DoubleVector.fromArray(DOUBLES, lanes.errors, 8);
    DoubleVector s0 = DoubleVector.fromArray(DOUBLES, lanes.signal, 0);
    DoubleVector s1 = DoubleVector.fromArray(DOUBLES, lanes.signal, 8);
    IntVector largest = IntVector.zero(INTS);
    long at = 0;
    long end = n - n % LANES;
    for (; at < end; at += LANES) {
      FloatVector x = load(source, 4 * at);
      FloatVector rounded = x.mul(factor).add(RowKernel.ROUND);
      bytes(rounded, target, at);
      FloatVector d = x.sub(rounded.sub(RowKernel.ROUND).mul(scale));
      largest = largest.max(d.reinterpretAsInts().and(Integer.MAX_VALUE));
      e0 = plusSquare(e0, d, 0);
      e1 = plusSquare(e1, d, 1);
      s0 = plusSquare(s0, x, 0);
      s1 = plusSquare(s1, x, 1);
    }
    e0.intoArray(lanes.errors, 0);
    e1.intoArray(lanes.errors, 8);
    s0.intoArray(lanes.signal, 0);
    s1.intoArray(lanes.signal, 8);
    lanes.largest = Math.max(lanes.largest, largest.reduceLanes(VectorOperators.MAX));
    for (; at < n; at++) {
      float value = source.get(FLOAT, 4 * at);
      ScalarRows.addError((int) (at % LANES), value, one(value, factor, target, at) * scale, lanes);
    }
  }

  private static DoubleVector plusSquare(DoubleVector sum, FloatVector values, int part) {
    DoubleVector wide = (DoubleVector) values.convertShape(VectorOperators.F2D, DOUBLES, part);
    return wide.fma(wide, sum);
  }
}
