package io.sluice.compute.stats;

import io.sluice.model.DType;

/**
 * The numbers that 8 bits stand for. Sources: OCP 8-bit Floating Point Specification (E4M3, E5M2),
 * OCP Microscaling Formats Specification (E8M0), Noune et al., "8-bit numerical formats for deep
 * neural networks", arXiv:2206.02915 (the FNUZ types).
 */
public final class EightBits {
  private EightBits() {}

  /** The value of the bits, 0 to 255; BOOL is 0 or 1. */
  public static double decode(DType dtype, int bits) {
    return switch (dtype) {
      case BOOL -> bits == 0 ? 0 : 1;
      case U8 -> bits;
      case I8 -> (byte) bits;
      case F8_E8M0 -> bits == 0xff ? Double.NaN : Math.scalb(1.0, bits - 127);
      case F8_E4M3 -> (bits & 0x7f) == 0x7f ? Double.NaN : value(bits, 3, 7);
      case F8_E5M2 -> (bits & 0x7f) > 0x7b ? special(bits) : value(bits, 2, 15);
      case F8_E4M3FNUZ -> bits == 0x80 ? Double.NaN : value(bits, 3, 8);
      case F8_E5M2FNUZ -> bits == 0x80 ? Double.NaN : value(bits, 2, 16);
      default -> throw new IllegalArgumentException(dtype + " has no 8 bits");
    };
  }

  /** Infinity or NaN as in IEEE 754. */
  private static double special(int bits) {
    if ((bits & 0x7f) != 0x7c) {
      return Double.NaN;
    }
    return bits >= 0x80 ? Double.NEGATIVE_INFINITY : Double.POSITIVE_INFINITY;
  }

  private static double value(int bits, int fractionBits, int bias) {
    int exponent = (bits & 0x7f) >> fractionBits;
    int fraction = bits & ((1 << fractionBits) - 1);
    int mantissa = exponent == 0 ? fraction : fraction | 1 << fractionBits;
    double magnitude = Math.scalb((double) mantissa, Math.max(exponent, 1) - bias - fractionBits);
    return bits >= 0x80 ? -magnitude : magnitude;
  }
}
