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

  /** {@code to[i] = rint(values[i] · factor)}, which fits a byte. */
  void scaleToBytes(float[] values, int n, float factor, byte[] to);

  /** {@code to[i] = bytes[i] · scale}, rounded once. */
  void scaleToFloats(byte[] bytes, int n, float scale, float[] to);

  /**
   * Adds what lies between finite elements; the first goes to the first lane.
   *
   * @param after is overwritten
   */
  void addErrors(float[] before, float[] after, int n, ErrorLanes lanes);
}
