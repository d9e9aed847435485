package io.sluice.compute.convert;

/** The inner loops of conversion by rows, with vectors or without; both give the same bits. */
interface RowKernel {
  /** Adding this to a float of magnitude below 2^22 leaves it, rounded to even, in the low bits. */
  float ROUND = 1.5f * (1 << 23);

  /**
   * The bits of the largest magnitude of {@code n} elements from the start; those of a NaN or an
   * infinity if there is one.
   */
  int largestMagnitude(float[] values, int n);

  /**
   * {@code to[i] = rint(values[i] · factor)}, which fits a byte. Adds what lies between the
   * elements and the bytes times {@code scale}, rounded once.
   *
   * @param n how many, at most {@value StepErrors#MOST}
   * @param errors with empty lanes
   */
  void quantize(float[] values, int n, float factor, float scale, byte[] to, StepErrors errors);

  /** One element of {@link #quantize}. */
  static byte quantize(int i, float value, float factor, float scale, StepErrors errors) {
    byte scaled = (byte) Float.floatToRawIntBits(value * factor + ROUND);
    errors.add(i, value, scaled * scale);
    return scaled;
  }

  /**
   * Adds what lies between finite elements; the first goes to the first lane.
   *
   * @param after is overwritten
   */
  void addErrors(float[] before, float[] after, int n, ErrorLanes lanes);
}
