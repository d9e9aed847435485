package io.sluice.compute.convert;

import io.sluice.compute.kernel.LittleEndian;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
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
  private static final VectorSpecies<Byte> BYTES = ByteVector.SPECIES_128;
  private static final int LANES = StepErrors.LANES;

  // No constants, which the compiler would load again for each vector.
  private int mask = Integer.MAX_VALUE;
  private float round = RowKernel.ROUND;

  private static FloatVector load(MemorySegment from, long at) {
    return FloatVector.fromMemorySegment(FLOATS, from, at, ByteOrder.LITTLE_ENDIAN);
  }

  private static IntVector magnitude(MemorySegment from, long at, int mask) {
    return IntVector.fromMemorySegment(INTS, from, at, ByteOrder.LITTLE_ENDIAN).and(mask);
  }

  /**
   * The bits of the largest magnitude of {@code n} floats; those of a NaN or an infinity if there
   * is one.
   */
  int largestMagnitude(MemorySegment row, int n) {
    return largestMagnitude(row, n, mask);
  }

  private static int largestMagnitude(MemorySegment row, int n, int mask) {
    IntVector a = IntVector.zero(INTS);
    IntVector b = a;
    int end = n - n % LANES;
    for (int i = 0; i < end; i += LANES) {
      a = a.max(magnitude(row, 4L * i, mask));
      b = b.max(magnitude(row, 4L * i + 64, mask));
    }
    int largest = a.max(b).reduceLanes(VectorOperators.MAX);
    for (int i = end; i < n; i++) {
      largest =
          Math.max(largest, Float.floatToRawIntBits(row.get(LittleEndian.FLOATS, 4L * i)) & mask);
    }
    return largest;
  }

  /**
   * {@link RowKernel#quantize} of {@code n} elements, and {@link #largestMagnitude} of as many of
   * the next row: so the one comes from memory while the other is computed.
   *
   * @return what it is of the next row
   */
  int quantize(
      MemorySegment from,
      MemorySegment next,
      int n,
      float factor,
      float scale,
      MemorySegment to,
      StepErrors errors) {
    int end = n - n % LANES;
    int largest = scale(from, next, end, factor, scale, round, mask, to, errors);
    for (int i = end; i < n; i++) {
      largest =
          Math.max(largest, Float.floatToRawIntBits(next.get(LittleEndian.FLOATS, 4L * i)) & mask);
      byte scaled =
          RowKernel.quantize(i, from.get(LittleEndian.FLOATS, 4L * i), factor, scale, errors);
      to.set(ValueLayout.JAVA_BYTE, i, scaled);
    }
    return largest;
  }

  private static void bytes(FloatVector rounded, MemorySegment to, long at) {
    ByteVector bytes =
        (ByteVector) rounded.reinterpretAsInts().convertShape(VectorOperators.I2B, BYTES, 0);
    bytes.intoMemorySegment(to, at, ByteOrder.LITTLE_ENDIAN);
  }

  private static int scale(
      MemorySegment from,
      MemorySegment next,
      int n,
      float factor,
      float scale,
      float round,
      int mask,
      MemorySegment to,
      StepErrors errors) {
    FloatVector e0 = FloatVector.zero(FLOATS);
    FloatVector e1 = e0;
    FloatVector s0 = e0;
    FloatVector s1 = e0;
    IntVector a = IntVector.zero(INTS);
    IntVector b = a;
    IntVector next0 = a;
    IntVector next1 = a;
    for (int i = 0; i < n; i += LANES) {
      next0 = next0.max(magnitude(next, 4L * i, mask));
      next1 = next1.max(magnitude(next, 4L * i + 64, mask));
      FloatVector x = load(from, 4L * i);
      FloatVector y = load(from, 4L * i + 64);
      FloatVector rx = x.mul(factor).add(round);
      FloatVector ry = y.mul(factor).add(round);
      bytes(rx, to, i);
      bytes(ry, to, i + 16);
      s0 = x.fma(x, s0);
      s1 = y.fma(y, s1);
      FloatVector dx = x.sub(rx.sub(round).mul(scale));
      FloatVector dy = y.sub(ry.sub(round).mul(scale));
      e0 = dx.fma(dx, e0);
      e1 = dy.fma(dy, e1);
      a = a.max(dx.reinterpretAsInts().and(mask));
      b = b.max(dy.reinterpretAsInts().and(mask));
    }
    e0.intoArray(errors.errors, 0);
    e1.intoArray(errors.errors, 16);
    s0.intoArray(errors.signal, 0);
    s1.intoArray(errors.signal, 16);
    errors.largest = Math.max(errors.largest, a.max(b).reduceLanes(VectorOperators.MAX));
    return next0.max(next1).reduceLanes(VectorOperators.MAX);
  }
}
