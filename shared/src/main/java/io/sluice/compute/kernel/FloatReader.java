package io.sluice.compute.kernel;

import io.sluice.model.DType;
import java.lang.foreign.MemorySegment;
import java.util.Set;

/**
 * Reads elements of the types of floats that tensors are computed with (F32, F16, BF16) as floats,
 * exactly. For one thread.
 */
public final class FloatReader {
  private static final Set<DType> TYPES = Set.of(DType.F32, DType.F16, DType.BF16);
  private static final int CHUNK = 4096;

  private final Widen widen = Widen.forThisProcess();
  private final short[] chunk = new short[CHUNK];

  /** Whether it reads elements of that type. */
  public static boolean supports(DType dtype) {
    return TYPES.contains(dtype);
  }

  /**
   * Reads {@code n} elements.
   *
   * @param from the tensor, little-endian, of any alignment
   * @param element index of the first
   * @param to receives them from {@code at} on
   * @throws IllegalArgumentException if the type is none of those
   */
  public void read(DType dtype, MemorySegment from, long element, float[] to, int at, int n) {
    switch (dtype) {
      case F32 -> MemorySegment.copy(from, LittleEndian.FLOATS, 4 * element, to, at, n);
      case F16 -> {
        for (int done = 0; done < n; done += CHUNK) {
          int some = halves(from, element + done, n - done);
          widen.halves(chunk, 0, to, at + done, some);
        }
      }
      case BF16 -> {
        for (int done = 0; done < n; done += CHUNK) {
          int some = halves(from, element + done, n - done);
          widen.bfloats(chunk, 0, to, at + done, some);
        }
      }
      default -> throw new IllegalArgumentException("no floats are read from " + dtype);
    }
  }

  /** Copies as many elements as there are and fit the chunk. */
  private int halves(MemorySegment from, long element, int n) {
    int some = Math.min(CHUNK, n);
    MemorySegment.copy(from, LittleEndian.SHORTS, 2 * element, chunk, 0, some);
    return some;
  }
}
