package io.sluice.compute.kernel;

/**
 * Rows times weights, and back: what a linear layer needs to be trained, on arrays of floats.
 *
 * <p>All arrays are row-major; a row of {@code x}, of the weights and of the gradient takes {@code
 * stride} floats, a multiple of {@value #LANES} (see {@link #stride}), the last of which are zero.
 *
 * <p>Every result is defined to the bit: a dot product is {@value #LANES} sums, one a lane, each a
 * chain of fused multiply-adds in order of the elements, then added up in pairs; a gradient is a
 * chain of fused multiply-adds in order of the rows. So a worker with vector instructions and one
 * without get the same floats, and it makes no difference how rows are grouped.
 */
public abstract sealed class LinearKernel permits ScalarLinearKernel, VectorLinearKernel {
  /** Floats of a vector. */
  public static final int LANES = 8;

  // e^x = 2^n · e^r, r in ±ln 2 / 2; coefficients after Cephes' expf (S. L. Moshier)
  static final float LOG2_E = 1.44269504088896341f;
  static final float LN2_HIGH = 0.693359375f;
  static final float LN2_LOW = -2.12194440e-4f;
  static final float[] EXP = {
    1.9875691500e-4f, 1.3981999507e-3f, 8.3334519073e-3f,
    4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f
  };

  /** Below it, e^x is less than the smallest normal float. */
  static final float EXP_MIN = -87.3f;

  /** 1.5 · 2^23: added to a small number, its last bits are the number rounded to an integer. */
  static final float ROUND = 12_582_912f;

  /** The fastest that this process can run. */
  public static LinearKernel best() {
    return Vectors.available() ? VectorLinearKernel.create() : new ScalarLinearKernel();
  }

  /** Floats that a row of {@code columns} takes. */
  public static int stride(int columns) {
    return Math.toIntExact(Math.ceilDiv((long) columns, LANES) * LANES);
  }

  /**
   * {@code out[r, j] = x[rows[r]] · weights[j] + bias[j]}.
   *
   * @param rows which rows of x, {@code count} of them
   * @param weights {@code outputs} rows
   * @param out {@code count} rows of {@code outputs} floats
   */
  public abstract void forward(
      float[] x,
      int[] rows,
      int count,
      int stride,
      float[] weights,
      float[] bias,
      int outputs,
      float[] out);

  /**
   * {@code gradient[j] += Σ_r errors[r, j] · x[rows[r]]}, in order of r.
   *
   * @param errors {@code count} rows of {@code outputs} floats
   * @param gradient {@code outputs} rows
   */
  public abstract void backward(
      float[] x, int[] rows, int count, int stride, float[] errors, int outputs, float[] gradient);

  /**
   * {@code values[i] = e^values[i]} for values of at most 0; within 2 ulp, and 0 below {@value
   * #EXP_MIN}.
   */
  public abstract void exp(float[] values, int count);

  /** The lanes of a dot product added up. */
  static float sum(float[] lanes, int at) {
    return ((lanes[at] + lanes[at + 4]) + (lanes[at + 2] + lanes[at + 6]))
        + ((lanes[at + 1] + lanes[at + 5]) + (lanes[at + 3] + lanes[at + 7]));
  }

  /** One value of {@link #exp}. */
  static float exp(float x) {
    if (x < EXP_MIN) {
      return 0;
    }
    float shifted = Math.fma(x, LOG2_E, ROUND);
    float n = shifted - ROUND;
    float r = Math.fma(n, -LN2_LOW, Math.fma(n, -LN2_HIGH, x));
    float p = EXP[0];
    for (int i = 1; i < EXP.length; i++) {
      p = Math.fma(p, r, EXP[i]);
    }
    float y = Math.fma(p, r * r, r) + 1;
    int exponent = Float.floatToRawIntBits(shifted) - Float.floatToRawIntBits(ROUND);
    return y * Float.intBitsToFloat((exponent + 127) << 23);
  }
}
