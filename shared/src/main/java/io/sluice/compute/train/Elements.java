package io.sluice.compute.train;

import io.sluice.compute.kernel.FloatReader;
import io.sluice.compute.kernel.LittleEndian;
import io.sluice.model.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Set;

/** Elements of tensors as floats or class labels, copied in bulk before they are looked at. */
final class Elements {
  /** Types that can be features and targets. */
  static final Set<DType> NUMBERS =
      Set.of(
          DType.F32,
          DType.F64,
          DType.F16,
          DType.BF16,
          DType.U8,
          DType.I8,
          DType.I16,
          DType.U16,
          DType.I32);

  /** Types that can be labels. */
  static final Set<DType> LABELS =
      Set.of(DType.U8, DType.I8, DType.I16, DType.U16, DType.I32, DType.U32, DType.I64, DType.BOOL);

  private static final int CHUNK = 8192;

  private Elements() {}

  /** Rows of floats with a stride, each element times a factor. */
  static float[] floats(
      DType dtype, MemorySegment data, int rows, int columns, int stride, float factor) {
    float[] out = new float[Math.multiplyExact(rows, stride)];
    FloatReader floats = new FloatReader();
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < columns; c += CHUNK) {
        int n = Math.min(CHUNK, columns - c);
        long from = (long) r * columns + c;
        int at = r * stride + c;
        if (FloatReader.supports(dtype)) {
          floats.read(dtype, data, from, out, at, n);
        } else {
          decode(dtype, data, from, out, at, n);
        }
      }
    }
    if (factor != 1) {
      for (int i = 0; i < out.length; i++) {
        out[i] *= factor;
      }
    }
    return out;
  }

  private static void decode(
      DType dtype, MemorySegment data, long from, float[] out, int at, int n) {
    switch (dtype) {
      case F64 -> {
        double[] chunk = new double[n];
        MemorySegment.copy(data, LittleEndian.DOUBLES, 8 * from, chunk, 0, n);
        for (int i = 0; i < n; i++) {
          out[at + i] = (float) chunk[i];
        }
      }
      case I16, U16 -> {
        short[] chunk = new short[n];
        MemorySegment.copy(data, LittleEndian.SHORTS, 2 * from, chunk, 0, n);
        int mask = dtype == DType.U16 ? 0xffff : -1;
        for (int i = 0; i < n; i++) {
          out[at + i] = chunk[i] & mask;
        }
      }
      case U8, I8 -> {
        byte[] chunk = new byte[n];
        MemorySegment.copy(data, ValueLayout.JAVA_BYTE, from, chunk, 0, n);
        int mask = dtype == DType.U8 ? 0xff : -1;
        for (int i = 0; i < n; i++) {
          out[at + i] = chunk[i] & mask;
        }
      }
      case I32 -> {
        int[] chunk = new int[n];
        MemorySegment.copy(data, LittleEndian.INTS, 4 * from, chunk, 0, n);
        for (int i = 0; i < n; i++) {
          out[at + i] = chunk[i];
        }
      }
      default -> throw new IllegalArgumentException("no numbers of " + dtype);
    }
  }

  /** Whole numbers. */
  static long[] labels(DType dtype, MemorySegment data, int rows) {
    long[] out = new long[rows];
    switch (dtype) {
      case I64 -> MemorySegment.copy(data, LittleEndian.LONGS, 0, out, 0, rows);
      case I32, U32 -> {
        int[] chunk = new int[rows];
        MemorySegment.copy(data, LittleEndian.INTS, 0, chunk, 0, rows);
        for (int i = 0; i < rows; i++) {
          out[i] = dtype == DType.U32 ? chunk[i] & 0xffff_ffffL : chunk[i];
        }
      }
      case I16, U16 -> {
        short[] chunk = new short[rows];
        MemorySegment.copy(data, LittleEndian.SHORTS, 0, chunk, 0, rows);
        for (int i = 0; i < rows; i++) {
          out[i] = dtype == DType.U16 ? chunk[i] & 0xffff : chunk[i];
        }
      }
      case U8, I8, BOOL -> {
        byte[] chunk = new byte[rows];
        MemorySegment.copy(data, ValueLayout.JAVA_BYTE, 0, chunk, 0, rows);
        for (int i = 0; i < rows; i++) {
          out[i] = dtype == DType.I8 ? chunk[i] : chunk[i] & 0xff;
        }
      }
      default -> throw new IllegalArgumentException("no labels of " + dtype);
    }
    return out;
  }
}
