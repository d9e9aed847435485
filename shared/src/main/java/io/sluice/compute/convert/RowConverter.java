package io.sluice.compute.convert;

import io.sluice.compute.ComputeException;
import io.sluice.compute.TensorBlock;
import io.sluice.compute.kernel.Vectors;
import io.sluice.model.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.List;

/** Converts blocks of rows. Not thread-safe: one for each thread. */
final class RowConverter {
  /** Rows whose largest magnitude is below become zeros: the inverse of their scale overflows. */
  static final float TINY = 0x1p-110f;

  private static final ValueLayout.OfFloat FLOATS =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final FloatRows rows = new FloatRows();
  private final float[] values = new float[FloatRows.CHUNK];
  private final float[] after = new float[FloatRows.CHUNK];
  private final byte[] bytes = new byte[FloatRows.CHUNK / 32 * 34];
  private final RowKernel kernel;
  private final boolean saturate;
  private final boolean measure;

  /**
   * @param saturate see {@link FloatRows#store}
   * @param measure whether errors are measured
   */
  RowConverter(boolean saturate, boolean measure) {
    this(saturate, measure, Vectors.available());
  }

  RowConverter(boolean saturate, boolean measure, boolean vectors) {
    this.kernel = vectors ? new VectorRows() : new ScalarRows();
    this.saturate = saturate;
    this.measure = measure;
  }

  /**
   * Converts a block.
   *
   * @param to the type that it gets
   * @param out memory for the block, for I8 also for its scales
   * @throws ComputeException if an element of what is to be quantized is not finite
   */
  ErrorSums convert(TensorBlock block, DType to, List<MemorySegment> out) {
    ErrorMeter meter = new ErrorMeter();
    long length = block.rows() == 0 ? 0 : block.elements() / block.rows();
    float[] scales = new float[to == DType.I8 ? Math.toIntExact(block.rows()) : 0];
    for (long row = 0; row < block.rows() && length > 0; row++) {
      switch (to) {
        case F32, F16, BF16 -> floats(block, row * length, length, to, out.getFirst(), meter);
        case I8 -> bytes(block, (int) row, length, out.getFirst(), scales, meter);
        case Q8_0, Q4_0 -> blocks(block, row * length, length, to, out.getFirst(), meter);
        default -> throw new IllegalArgumentException("nothing is converted to " + to);
      }
      if (measure) {
        meter.endRow();
      }
    }
    if (to == DType.I8) {
      MemorySegment.copy(scales, 0, out.get(1), FLOATS, 0, scales.length);
    }
    return meter.sums();
  }

  private void load(TensorBlock block, long element, int n) {
    rows.load(block.tensor().dtype(), block.data(), element, values, n);
  }

  private void floats(
      TensorBlock block, long from, long length, DType to, MemorySegment out, ErrorMeter meter) {
    for (long done = 0; done < length; done += FloatRows.CHUNK) {
      int n = (int) Math.min(FloatRows.CHUNK, length - done);
      load(block, from + done, n);
      meter.overflows(rows.store(to, values, n, out, from + done, saturate));
      if (measure) {
        load(block, from + done, n);
        rows.load(to, out, from + done, after, n);
        meter.add(values, after, n);
      }
    }
  }

  private void bytes(
      TensorBlock block,
      int row,
      long length,
      MemorySegment out,
      float[] scales,
      ErrorMeter meter) {
    long from = row * length;
    int bits = 0;
    for (long done = 0; done < length; done += FloatRows.CHUNK) {
      int n = (int) Math.min(FloatRows.CHUNK, length - done);
      load(block, from + done, n);
      bits = Math.max(bits, kernel.largestMagnitude(values, n));
    }
    float largest = Float.intBitsToFloat(bits);
    requireFinite(largest, block, row);
    boolean tiny = largest < TINY;
    float scale = tiny ? 0 : largest / 127;
    float factor = tiny ? 0 : 127 / largest;
    scales[row] = scale;
    for (long done = 0; done < length; done += FloatRows.CHUNK) {
      int n = (int) Math.min(FloatRows.CHUNK, length - done);
      if (length > FloatRows.CHUNK) {
        load(block, from + done, n);
      }
      kernel.scaleToBytes(values, n, factor, bytes);
      MemorySegment.copy(bytes, 0, out, ValueLayout.JAVA_BYTE, from + done, n);
      if (measure) {
        for (int i = 0; i < n; i++) {
          after[i] = bytes[i] * scale;
        }
        meter.add(values, after, n);
      }
    }
  }

  private void blocks(
      TensorBlock block, long from, long length, DType to, MemorySegment out, ErrorMeter meter) {
    for (long done = 0; done < length; done += FloatRows.CHUNK) {
      int n = (int) Math.min(FloatRows.CHUNK, length - done);
      load(block, from + done, n);
      requireFinite(
          Float.intBitsToFloat(kernel.largestMagnitude(values, n)), block, (from + done) / length);
      long at = (from + done) / GgmlBlocks.ELEMENTS * to.blockBytes();
      int size = n / GgmlBlocks.ELEMENTS * to.blockBytes();
      if (to == DType.Q8_0) {
        GgmlBlocks.toQ8(values, n, bytes);
      } else {
        GgmlBlocks.toQ4(values, n, bytes);
      }
      MemorySegment.copy(bytes, 0, out, ValueLayout.JAVA_BYTE, at, size);
      if (measure) {
        if (to == DType.Q8_0) {
          GgmlBlocks.fromQ8(bytes, n, after);
        } else {
          GgmlBlocks.fromQ4(bytes, n, after);
        }
        meter.add(values, after, n);
      }
    }
  }

  private static void requireFinite(float largest, TensorBlock block, long row) {
    if (!Float.isFinite(largest)) {
      throw ComputeException.refused(
          "tensor '"
              + block.tensor().name()
              + "' has an element that is not finite in row "
              + (block.firstRow() + row)
              + ": it cannot be quantized");
    }
  }
}
