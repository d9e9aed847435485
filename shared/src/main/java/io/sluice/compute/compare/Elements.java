package io.sluice.compute.compare;

import io.sluice.compute.kernel.LittleEndian;
import io.sluice.compute.stats.EightBits;
import io.sluice.model.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Reads elements of any plain type of numbers as doubles. Not thread-safe. */
final class Elements {
  /** Elements that are read at a time. */
  static final int CHUNK = 2048;

  private final DType dtype;
  private final MemorySegment data;
  private final byte[] bytes = new byte[CHUNK];
  private final short[] shorts = new short[CHUNK];
  private final int[] ints = new int[CHUNK];
  private final long[] longs = new long[CHUNK];
  private final double[] table = new double[256];

  Elements(DType dtype, MemorySegment data) {
    this.dtype = dtype;
    this.data = data;
    if (dtype.blockBytes() == 1) {
      for (int bits = 0; bits < 256; bits++) {
        table[bits] = EightBits.decode(dtype, bits);
      }
    }
  }

  /** Reads {@code n} elements from the one with that index; integers of 64 bits may round. */
  void load(long element, double[] to, int n) {
    switch (dtype.blockBytes()) {
      case 1 -> {
        MemorySegment.copy(data, ValueLayout.JAVA_BYTE, element, bytes, 0, n);
        for (int i = 0; i < n; i++) {
          to[i] = table[bytes[i] & 0xff];
        }
      }
      case 2 -> {
        MemorySegment.copy(data, LittleEndian.SHORTS, 2 * element, shorts, 0, n);
        shorts(to, n);
      }
      case 4 -> {
        MemorySegment.copy(data, LittleEndian.INTS, 4 * element, ints, 0, n);
        ints(to, n);
      }
      default -> {
        MemorySegment.copy(data, LittleEndian.LONGS, 8 * element, longs, 0, n);
        longs(to, n);
      }
    }
  }

  private void shorts(double[] to, int n) {
    switch (dtype) {
      case F16 -> {
        for (int i = 0; i < n; i++) {
          to[i] = Float.float16ToFloat(shorts[i]);
        }
      }
      case BF16 -> {
        for (int i = 0; i < n; i++) {
          to[i] = Float.intBitsToFloat(shorts[i] << 16);
        }
      }
      case I16 -> {
        for (int i = 0; i < n; i++) {
          to[i] = shorts[i];
        }
      }
      default -> {
        for (int i = 0; i < n; i++) {
          to[i] = shorts[i] & 0xffff;
        }
      }
    }
  }

  private void ints(double[] to, int n) {
    switch (dtype) {
      case F32 -> {
        for (int i = 0; i < n; i++) {
          to[i] = Float.intBitsToFloat(ints[i]);
        }
      }
      case I32 -> {
        for (int i = 0; i < n; i++) {
          to[i] = ints[i];
        }
      }
      default -> {
        for (int i = 0; i < n; i++) {
          to[i] = ints[i] & 0xffff_ffffL;
        }
      }
    }
  }

  private void longs(double[] to, int n) {
    for (int i = 0; i < n; i++) {
      long bits = longs[i];
      to[i] =
          switch (dtype) {
            case F64 -> Double.longBitsToDouble(bits);
            case I64 -> bits;
            default -> bits >= 0 ? bits : (double) (bits >>> 1 | bits & 1) * 2; // unsigned
          };
    }
  }

  /** Whether doubles cannot tell all elements apart. */
  boolean rounds() {
    return dtype == DType.I64 || dtype == DType.U64;
  }

  /** The bits of the last 8-byte element read at that place of the chunk. */
  long bits(int i) {
    return longs[i];
  }
}
