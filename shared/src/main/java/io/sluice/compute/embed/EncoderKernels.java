package io.sluice.compute.embed;

import io.sluice.compute.kernel.Vectors;

/**
 * What an encoder computes, on arrays of floats. Every row of a result depends on its own row of
 * the input only and is computed in one order of operations, so an answer has the same bits in
 * whatever batch a text travels.
 */
interface EncoderKernels {
  /** The fastest that this process can run. */
  static EncoderKernels best() {
    return Vectors.available() ? new VectorKernels() : new ScalarKernels();
  }

  /**
   * C += A × B, where A has m rows of b.k floats and C m rows of b.n.
   *
   * @param aStride floats from a row of A to the next
   * @param cStride floats from a row of C to the next
   */
  void multiplyAdd(
      float[] a,
      int aOffset,
      int aStride,
      int m,
      float[] b,
      int k,
      int n,
      float[] c,
      int cOffset,
      int cStride);

  /** x = x Φ(x), Φ the distribution function of the normal distribution: GELU by erf, not tanh. */
  void gelu(float[] x, int offset, int length);

  /**
   * Each row becomes softmax(row).
   *
   * @param stride floats from a row to the next
   */
  void softmax(float[] x, int rows, int columns, int stride);

  /**
   * x = LayerNorm(x + y): mean 0 and variance 1 in each row, then scaled and shifted.
   *
   * @param y as long as x; null for none
   * @param epsilon added to the variance
   */
  void layerNorm(
      float[] x, float[] y, int rows, int columns, float[] scale, float[] shift, float epsilon);
}
