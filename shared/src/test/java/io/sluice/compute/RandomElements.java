package io.sluice.compute;

import io.sluice.model.DType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;

/** Bytes of tensors for tests. */
public final class RandomElements {
  private RandomElements() {}

  /**
   * Elements, little-endian.
   *
   * @param fill WEIGHTS (small normal numbers), ANY_BITS, SPECIALS (NaN, infinities, zeros of both
   *     signs, subnormals, extremes, neighbours of 1), ZEROS or CONSTANT
   */
  public static byte[] bytes(DType dtype, String fill, int elements, Random random) {
    ByteBuffer buffer =
        ByteBuffer.allocate((int) dtype.bytes(elements)).order(ByteOrder.LITTLE_ENDIAN);
    long constant = random.nextLong();
    while (buffer.hasRemaining()) {
      long bits =
          switch (fill) {
            case "WEIGHTS" -> weight(dtype, random);
            case "ANY_BITS" -> random.nextLong();
            case "SPECIALS" -> special(dtype, random);
            case "ZEROS" -> 0;
            case "CONSTANT" -> constant;
            default -> throw new IllegalArgumentException(fill);
          };
      switch (dtype.blockBytes()) {
        case 1 -> buffer.put((byte) bits);
        case 2 -> buffer.putShort((short) bits);
        case 4 -> buffer.putInt((int) bits);
        case 8 -> buffer.putLong(bits);
        default -> throw new IllegalArgumentException(dtype + " is no plain type");
      }
    }
    return buffer.array();
  }

  private static long weight(DType dtype, Random random) {
    double value = random.nextGaussian() * 0.02;
    return switch (dtype) {
      case F64 -> Double.doubleToRawLongBits(value);
      case F32 -> Float.floatToRawIntBits((float) value);
      case BF16 -> Float.floatToRawIntBits((float) value) >>> 16;
      case F16 -> Float.floatToFloat16((float) value);
      default -> (long) (value * 5000);
    };
  }

  private static long special(DType dtype, Random random) {
    int bits = 8 * dtype.blockBytes();
    int exponentBits =
        switch (dtype) {
          case F64 -> 11;
          case F32, BF16 -> 8;
          case F16, F8_E5M2, F8_E5M2FNUZ -> 5;
          default -> 4;
        };
    int fractionBits = bits - 1 - exponentBits;
    long sign = random.nextBoolean() ? 1L << (bits - 1) : 0;
    long exponentMask = (1L << exponentBits) - 1;
    long fractionMask = (1L << fractionBits) - 1;
    long[] exponents = {0, 1, exponentMask, exponentMask - 1, exponentMask / 2};
    long[] fractions = {0, 1, fractionMask, fractionMask / 2 + 1, random.nextLong() & fractionMask};
    return sign
        | exponents[random.nextInt(exponents.length)] << fractionBits
        | fractions[random.nextInt(fractions.length)];
  }
}
