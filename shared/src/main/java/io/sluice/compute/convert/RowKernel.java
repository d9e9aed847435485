package io.sluice.compute.convert;

/** The inner loops of quantization by rows, with vectors or without; both give the same bits. */
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
}
