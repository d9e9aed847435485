package io.sluice.compute.convert;

import io.sluice.compute.ComputeException;
import io.sluice.compute.TensorBlock;
import io.sluice.compute.kernel.LittleEndian;
import io.sluice.compute.kernel.Vectors;
import io.sluice.model.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Optional;

/** Converts blocks of rows. Not thread-safe: one for each thread. */
final class RowConverter {
  /** Rows whose largest magnitude is below become zeros: the inverse of their scale overflows. */
  static final float TINY = 0x1p-110f;

  /** Exponents of the largest magnitude between which squares of a row fit floats. */
  private static final int ORDINARY = 40;

  private final FloatRows rows = new FloatRows();
  private final float[] values = new float[FloatRows.CHUNK];
  private final float[] after = new float[FloatRows.CHUNK];
  private final byte[] bytes = new byte[FloatRows.CHUNK / 32 * 34];
  private final RowKernel kernel;
  private final Optional<SegmentRows> segments;
  private final StepErrors steps = new StepErrors();
  private final boolean saturate;

  /**
   * @param saturate see {@link FloatRows#store}
   */
  RowConverter(boolean saturate) {
    this(saturate, Vectors.reading());
  }

  /** In one of the ways of reading: the result is the same. */
  RowConverter(boolean saturate, Vectors.Reading reading) {
    this.kernel = reading == Vectors.Reading.SCALARS ? new ScalarRows() : new VectorRows();
    this.segments =
        reading == Vectors.Reading.SEGMENTS && Vectors.wide()
            ? Optional.of(new SegmentRows())
            : Optional.empty();
    this.saturate = saturate;
  }

  /**
   * Converts a block.
   *
   * @param to the type that it gets
   * @param out memory for the block, for I8 also for its scales
   * @throws ComputeException if an element of what is to be quantized is not finite
   */
  ErrorSums convert(TensorBlock block, DType to, List<MemorySegment> out) {
    ErrorMeter meter = new ErrorMeter(kernel);
    long length = block.rows() == 0 ? 0 : block.elements() / block.rows();
    float[] scales = new float[to == DType.I8 ? Math.toIntExact(block.rows()) : 0];
    if (to == DType.I8) {
      if (length > 0) {
        bytes(block, length, out.getFirst(), scales, meter);
      }
      MemorySegment.copy(scales, 0, out.get(1), LittleEndian.FLOATS, 0, scales.length);
      return meter.sums();
    }
    for (long row = 0; row < block.rows() && length > 0; row++) {
      switch (to) {
        case F32, F16, BF16 -> floats(block, row * length, length, to, out.getFirst(), meter);
        case Q8_0, Q4_0 -> blocks(block, row * length, length, to, out.getFirst(), meter);
        default -> throw new IllegalArgumentException("nothing is converted to " + to);
      }
      meter.endRow();
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
      load(block, from + done, n);
      rows.load(to, out, from + done, after, n);
      meter.add(values, after, n);
    }
  }

  private void bytes(
      TensorBlock block, long length, MemorySegment out, float[] scales, ErrorMeter meter) {
    boolean direct = segments.isPresent() && block.tensor().dtype() == DType.F32;
    int next = direct ? largestInPlace(block.data(), length) : 0;
    for (int row = 0; row < scales.length; row++) {
      int bits = direct ? next : largestMagnitude(block, row * length, length);
      float largest = Float.intBitsToFloat(bits);
      requireFinite(largest, block, row);
      boolean tiny = largest < TINY;
      float scale = tiny ? 0 : largest / 127;
      float factor = tiny ? 0 : 127 / largest;
      scales[row] = scale;
      // Rows of extraordinary size are multiplied by a power of two, which changes no bit else.
      int exponent = exponent(largest);
      steps.clear();
      if (direct && exponent == 0) {
        next = quantizeInPlace(block, row, length, factor, scale, out);
      } else {
        quantize(block, row * length, length, factor, scale, Math.scalb(1f, exponent), out);
        if (direct && row + 1 < scales.length) {
          next = largestInPlace(block.data().asSlice(4 * (row + 1) * length), length);
        }
      }
      meter.add(length, steps, exponent);
    }
  }

  private int largestInPlace(MemorySegment data, long length) {
    int bits = 0;
    for (long done = 0; done < length; done += StepErrors.MOST) {
      int n = (int) Math.min(StepErrors.MOST, length - done);
      bits = Math.max(bits, segments.get().largestMagnitude(data.asSlice(4 * done, 4L * n), n));
    }
    return bits;
  }

  /** Quantizes a row and returns the bits of the largest magnitude of the next. */
  private int quantizeInPlace(
      TensorBlock block, int row, long length, float factor, float scale, MemorySegment out) {
    long from = row * length;
    long next = row + 1 < block.rows() ? from + length : from;
    int bits = 0;
    for (long done = 0; done < length; done += StepErrors.MOST) {
      int n = (int) Math.min(StepErrors.MOST, length - done);
      MemorySegment source = block.data().asSlice(4 * (from + done), 4L * n);
      MemorySegment following = block.data().asSlice(4 * (next + done), 4L * n);
      MemorySegment target = out.asSlice(from + done, n);
      bits =
          Math.max(
              bits, segments.get().quantize(source, following, n, factor, scale, target, steps));
      steps.flush();
    }
    return bits;
  }

  private void quantize(
      TensorBlock block,
      long from,
      long length,
      float factor,
      float scale,
      float power,
      MemorySegment out) {
    for (long done = 0; done < length; done += StepErrors.MOST) {
      int n = (int) Math.min(StepErrors.MOST, length - done);
      load(block, from + done, n);
      multiply(values, n, power);
      kernel.quantize(values, n, factor / power, scale * power, bytes, steps);
      MemorySegment.copy(bytes, 0, out, ValueLayout.JAVA_BYTE, from + done, n);
      steps.flush();
    }
  }

  private static int exponent(float largest) {
    int exponent = Math.getExponent(largest);
    if (largest == 0 || Math.abs(exponent) <= ORDINARY) {
      return 0;
    }
    return largest < TINY ? 126 : exponent < 0 ? 72 : -72;
  }

  private static void multiply(float[] values, int n, float power) {
    if (power != 1) {
      for (int i = 0; i < n; i++) {
        values[i] *= power;
      }
    }
  }

  private int largestMagnitude(TensorBlock block, long from, long length) {
    int bits = 0;
    for (long done = 0; done < length; done += FloatRows.CHUNK) {
      int n = (int) Math.min(FloatRows.CHUNK, length - done);
      load(block, from + done, n);
      bits = Math.max(bits, kernel.largestMagnitude(values, n));
    }
    return bits;
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
      if (to == DType.Q8_0) {
        GgmlBlocks.fromQ8(bytes, n, after);
      } else {
        GgmlBlocks.fromQ4(bytes, n, after);
      }
      meter.add(values, after, n);
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
