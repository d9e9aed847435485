package io.sluice.compute.convert;

import io.sluice.compute.kernel.LittleEndian;
import io.sluice.model.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Reads and writes the floating-point types of up to 32 bits as floats. Not thread-safe. */
final class FloatRows {
  /** Elements that are converted at a time: they stay in the cache. */
  static final int CHUNK = 4096;

  private static final int MAX_F16 = 65504;

  private final short[] halves = new short[CHUNK];
  private final int[] bits = new int[CHUNK];

  /** Reads {@code n} elements of a segment, at most {@value #CHUNK}, as floats, exactly. */
  void load(DType dtype, MemorySegment from, long element, float[] to, int n) {
    switch (dtype) {
      case F32 -> MemorySegment.copy(from, LittleEndian.FLOATS, 4 * element, to, 0, n);
      case F16 -> {
        MemorySegment.copy(from, LittleEndian.SHORTS, 2 * element, halves, 0, n);
        halvesToFloats(halves, to, n);
      }
      case BF16 -> {
        MemorySegment.copy(from, LittleEndian.SHORTS, 2 * element, halves, 0, n);
        upperHalvesToFloats(halves, to, n);
      }
      default -> throw new IllegalArgumentException("no floats are read from " + dtype);
    }
  }

  /**
   * Writes floats, each rounded to the nearest number of the type, ties to even. NaN stays NaN. A
   * number too large for F16 becomes an infinity, or the largest number if {@code saturate}.
   *
   * @return how many finite numbers became infinite or the largest number
   */
  int store(DType dtype, float[] from, int n, MemorySegment to, long element, boolean saturate) {
    switch (dtype) {
      case F32 -> {
        MemorySegment.copy(from, 0, to, LittleEndian.FLOATS, 4 * element, n);
        return 0;
      }
      case F16 -> {
        int beyond = countBeyond(from, n, 65520f);
        floatsToHalves(from, halves, n);
        if (beyond > 0 && saturate) {
          saturate(from, n, MAX_F16);
          floatsToHalves(from, halves, n);
        }
        MemorySegment.copy(halves, 0, to, LittleEndian.SHORTS, 2 * element, n);
        return beyond;
      }
      case BF16 -> {
        MemorySegment.copy(
            MemorySegment.ofArray(from), ValueLayout.JAVA_INT_UNALIGNED, 0, bits, 0, n);
        // The tie above the largest BF16.
        int beyond = countBeyond(from, n, Float.intBitsToFloat(0x7f7f_8000));
        bitsToUpperHalves(bits, halves, n);
        if (beyond > 0 && saturate) {
          saturate(from, n, Float.intBitsToFloat(0x7f7f_0000));
          MemorySegment.copy(
              MemorySegment.ofArray(from), ValueLayout.JAVA_INT_UNALIGNED, 0, bits, 0, n);
          bitsToUpperHalves(bits, halves, n);
        }
        MemorySegment.copy(halves, 0, to, LittleEndian.SHORTS, 2 * element, n);
        return beyond;
      }
      default -> throw new IllegalArgumentException("no floats are written as " + dtype);
    }
  }

  private static int countBeyond(float[] values, int n, float limit) {
    int limitBits = Float.floatToRawIntBits(limit);
    int count = 0;
    for (int i = 0; i < n; i++) {
      int magnitude = Float.floatToRawIntBits(values[i]) & Integer.MAX_VALUE;
      // 1 if limit <= magnitude < infinity
      count += (limitBits - 1 - magnitude) >>> 31 & (magnitude - 0x7f80_0000) >>> 31;
    }
    return count;
  }

  private static void saturate(float[] values, int n, float most) {
    for (int i = 0; i < n; i++) {
      if (Math.abs(values[i]) <= Float.MAX_VALUE) {
        values[i] = Math.clamp(values[i], -most, most);
      }
    }
  }

  private static void halvesToFloats(short[] from, float[] to, int n) {
    for (int i = 0; i < n; i++) {
      to[i] = Float.float16ToFloat(from[i]);
    }
  }

  private static void floatsToHalves(float[] from, short[] to, int n) {
    for (int i = 0; i < n; i++) {
      to[i] = Float.floatToFloat16(from[i]);
    }
  }

  private void upperHalvesToFloats(short[] from, float[] to, int n) {
    for (int i = 0; i < n; i++) {
      bits[i] = from[i] << 16;
    }
    MemorySegment.copy(MemorySegment.ofArray(bits), ValueLayout.JAVA_FLOAT_UNALIGNED, 0, to, 0, n);
  }

  /** Rounds to even; a NaN keeps its upper bits and becomes quiet. */
  private static void bitsToUpperHalves(int[] from, short[] to, int n) {
    for (int i = 0; i < n; i++) {
      int b = from[i];
      int rounded = b + 0x7fff + (b >>> 16 & 1) >>> 16;
      int nan = b >>> 16 | 0x40;
      to[i] = (short) ((b & Integer.MAX_VALUE) > 0x7f80_0000 ? nan : rounded);
    }
  }
}
