package io.sluice.compute.convert;

/**
 * The block quantizations Q8_0 and Q4_0 of ggml: 32 elements with one scale as F16. The same bits
 * as the Python package {@code gguf} gives ({@code gguf/quants.py}), which follows the reference
 * functions {@code quantize_row_q8_0_ref} and {@code quantize_row_q4_0_ref} of {@code
 * ggml-quants.c}.
 */
final class GgmlBlocks {
  /** Elements of a block. */
  static final int ELEMENTS = 32;

  /** Bytes of a block of Q8_0: the scale, then a byte an element. */
  static final int Q8_0_BYTES = 34;

  /** Bytes of a block of Q4_0: the scale, then elements i and i + 16 in byte i. */
  static final int Q4_0_BYTES = 18;

  private GgmlBlocks() {}

  /** Quantizes whole blocks of finite elements. */
  static void toQ8(float[] values, int n, byte[] to) {
    for (int block = 0; block * ELEMENTS < n; block++) {
      int from = block * ELEMENTS;
      float largest = 0;
      for (int i = 0; i < ELEMENTS; i++) {
        largest = Math.max(largest, Math.abs(values[from + i]));
      }
      float scale = largest / 127;
      float inverse = scale == 0 ? 0 : 1 / scale;
      int at = block * Q8_0_BYTES;
      putScale(to, at, scale);
      for (int i = 0; i < ELEMENTS; i++) {
        to[at + 2 + i] = (byte) roundHalfAway(values[from + i] * inverse);
      }
    }
  }

  /** C's {@code roundf} of a number that fits a byte. */
  private static int roundHalfAway(float value) {
    float magnitude = Math.abs(value);
    int whole = (int) magnitude;
    int rounded = whole + (int) (2 * (magnitude - whole));
    return value < 0 ? -rounded : rounded;
  }

  /** What blocks of Q8_0 stand for. */
  static void fromQ8(byte[] blocks, int n, float[] to) {
    for (int block = 0; block * ELEMENTS < n; block++) {
      int at = block * Q8_0_BYTES;
      float scale = scale(blocks, at);
      for (int i = 0; i < ELEMENTS; i++) {
        to[block * ELEMENTS + i] = blocks[at + 2 + i] * scale;
      }
    }
  }

  /** Quantizes whole blocks of finite elements. */
  static void toQ4(float[] values, int n, byte[] to) {
    for (int block = 0; block * ELEMENTS < n; block++) {
      int from = block * ELEMENTS;
      float largest = 0;
      float signed = 0;
      for (int i = 0; i < ELEMENTS; i++) {
        float magnitude = Math.abs(values[from + i]);
        if (magnitude > largest) {
          largest = magnitude;
          signed = values[from + i];
        }
      }
      float scale = signed / -8;
      float inverse = scale == 0 ? 0 : 1 / scale;
      int at = block * Q4_0_BYTES;
      putScale(to, at, scale);
      for (int i = 0; i < ELEMENTS / 2; i++) {
        int low = nibble(values[from + i], inverse);
        int high = nibble(values[from + i + ELEMENTS / 2], inverse);
        to[at + 2 + i] = (byte) (low | high << 4);
      }
    }
  }

  /** Product and sum are rounded each, as without a fused multiply-add. */
  private static int nibble(float value, float inverse) {
    return Math.min(15, (int) (value * inverse + 8.5f));
  }

  /** What blocks of Q4_0 stand for. */
  static void fromQ4(byte[] blocks, int n, float[] to) {
    for (int block = 0; block * ELEMENTS < n; block++) {
      int at = block * Q4_0_BYTES;
      float scale = scale(blocks, at);
      for (int i = 0; i < ELEMENTS / 2; i++) {
        int pair = blocks[at + 2 + i];
        to[block * ELEMENTS + i] = ((pair & 0xf) - 8) * scale;
        to[block * ELEMENTS + i + ELEMENTS / 2] = ((pair >> 4 & 0xf) - 8) * scale;
      }
    }
  }

  private static void putScale(byte[] to, int at, float scale) {
    short half = Float.floatToFloat16(scale);
    to[at] = (byte) half;
    to[at + 1] = (byte) (half >> 8);
  }

  private static float scale(byte[] blocks, int at) {
    return Float.float16ToFloat((short) (blocks[at] & 0xff | blocks[at + 1] << 8));
  }
}
