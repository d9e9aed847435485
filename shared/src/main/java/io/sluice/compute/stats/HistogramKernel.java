package io.sluice.compute.stats;

import io.sluice.compute.TensorBlock;
import io.sluice.compute.kernel.LittleEndian;
import io.sluice.model.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Counts the finite elements of a block by buckets. */
final class HistogramKernel {
  private static final int CHUNK = 4096;

  /** Sign, 8 bits of exponent and 5 of fraction of a float. */
  private static final int FLOAT_SHIFT = 23 - 5;

  private static final int FLOAT_BUCKETS = 1 << (32 - FLOAT_SHIFT);

  private HistogramKernel() {}

  static Histogram of(TensorBlock block) {
    Histogram.Builder builder = new Histogram.Builder();
    DType dtype = block.tensor().dtype();
    switch (dtype.blockBytes()) {
      case 1 -> bytes(dtype, block.data(), builder);
      case 2 -> shorts(dtype, block.data(), builder);
      case 4 -> ints(dtype, block.data(), builder);
      default -> longs(dtype, block.data(), builder);
    }
    return builder.build();
  }

  private static void add(Histogram.Builder builder, double value, long times) {
    if (times > 0 && Math.abs(value) <= Double.MAX_VALUE) {
      builder.add(value, times);
    }
  }

  private static void bytes(DType dtype, MemorySegment data, Histogram.Builder builder) {
    byte[] chunk = new byte[CHUNK];
    long[] counts = new long[256];
    for (long at = 0; at < data.byteSize(); at += CHUNK) {
      int n = (int) Math.min(CHUNK, data.byteSize() - at);
      MemorySegment.copy(data, ValueLayout.JAVA_BYTE, at, chunk, 0, n);
      for (int i = 0; i < n; i++) {
        counts[chunk[i] & 0xff]++;
      }
    }
    for (int bits = 0; bits < 256; bits++) {
      add(builder, EightBits.decode(dtype, bits), counts[bits]);
    }
  }

  /** Each of the 65,536 values has its count. */
  private static void shorts(DType dtype, MemorySegment data, Histogram.Builder builder) {
    short[] chunk = new short[CHUNK];
    long[] counts = new long[1 << 16];
    long elements = data.byteSize() / 2;
    for (long at = 0; at < elements; at += CHUNK) {
      int n = (int) Math.min(CHUNK, elements - at);
      MemorySegment.copy(data, LittleEndian.SHORTS, 2 * at, chunk, 0, n);
      for (int i = 0; i < n; i++) {
        counts[chunk[i] & 0xffff]++;
      }
    }
    for (int bits = 0; bits < counts.length; bits++) {
      add(builder, value16(dtype, (short) bits), counts[bits]);
    }
  }

  private static double value16(DType dtype, short bits) {
    return switch (dtype) {
      case F16 -> Float.float16ToFloat(bits);
      case BF16 -> Float.intBitsToFloat(bits << 16);
      case I16 -> bits;
      case U16 -> bits & 0xffff;
      default -> throw new IllegalArgumentException(dtype + " has no 16 bits");
    };
  }

  private static void ints(DType dtype, MemorySegment data, Histogram.Builder builder) {
    int[] chunk = new int[CHUNK];
    // Two tables, so that equal neighbours do not wait for each other.
    long[] even = new long[FLOAT_BUCKETS];
    long[] odd = new long[FLOAT_BUCKETS];
    long zeros = 0;
    long elements = data.byteSize() / 4;
    for (long at = 0; at < elements; at += CHUNK) {
      int n = (int) Math.min(CHUNK, elements - at);
      MemorySegment.copy(data, LittleEndian.INTS, 4 * at, chunk, 0, n);
      if (dtype == DType.F32) {
        zeros += countFloats(chunk, n, even, odd);
      } else {
        for (int i = 0; i < n; i++) {
          builder.add(dtype == DType.I32 ? chunk[i] : chunk[i] & 0xffff_ffffL, 1);
        }
      }
    }
    if (dtype == DType.F32) {
      addFloats(builder, even, odd, zeros);
    }
  }

  private static long countFloats(int[] bits, int n, long[] even, long[] odd) {
    long zeros = 0;
    int i = 0;
    for (; i + 1 < n; i += 2) {
      even[bits[i] >>> FLOAT_SHIFT]++;
      odd[bits[i + 1] >>> FLOAT_SHIFT]++;
      zeros += (bits[i] << 1) == 0 ? 1 : 0;
      zeros += (bits[i + 1] << 1) == 0 ? 1 : 0;
    }
    if (i < n) {
      even[bits[i] >>> FLOAT_SHIFT]++;
      zeros += (bits[i] << 1) == 0 ? 1 : 0;
    }
    return zeros;
  }

  /** A bucket of normal floats is one of doubles; others count by their lower end. */
  private static void addFloats(Histogram.Builder builder, long[] even, long[] odd, long zeros) {
    long positive = 0;
    for (int bucket = 0; bucket < FLOAT_BUCKETS; bucket++) {
      long times = even[bucket] + odd[bucket];
      int bits = bucket << FLOAT_SHIFT;
      if ((bits << 1) == 0) {
        positive += times;
      } else {
        add(builder, Float.intBitsToFloat(bits), times);
      }
    }
    builder.add(0, zeros);
    if (positive > zeros) {
      // Subnormals too small for a bucket of their own, of either sign.
      builder.add(Float.MIN_VALUE, positive - zeros);
    }
  }

  private static void longs(DType dtype, MemorySegment data, Histogram.Builder builder) {
    long[] chunk = new long[CHUNK];
    long elements = data.byteSize() / 8;
    for (long at = 0; at < elements; at += CHUNK) {
      int n = (int) Math.min(CHUNK, elements - at);
      MemorySegment.copy(data, LittleEndian.LONGS, 8 * at, chunk, 0, n);
      for (int i = 0; i < n; i++) {
        double value =
            switch (dtype) {
              case F64 -> Double.longBitsToDouble(chunk[i]);
              case I64 -> chunk[i];
              default ->
                  chunk[i] >= 0
                      ? chunk[i]
                      : (double) (chunk[i] >>> 1 | chunk[i] & 1) * 2; // unsigned
            };
        add(builder, value, 1);
      }
    }
  }
}
