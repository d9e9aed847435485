package io.sluice.compute.embed;

/** The kernels as plain loops, for processes without the vector module. */
final class ScalarKernels implements EncoderKernels {
  @Override
  public void multiplyAdd(
      float[] a,
      int aOffset,
      int aStride,
      int m,
      float[] b,
      int k,
      int n,
      float[] c,
      int cOffset,
      int cStride) {
    int width = PackedMatrix.WIDTH;
    float[] sums = new float[width];
    for (int first = 0; first < n; first += width) {
      int columns = Math.min(width, n - first);
      for (int row = 0; row < m; row++) {
        int to = cOffset + row * cStride + first;
        java.util.Arrays.fill(sums, 0);
        System.arraycopy(c, to, sums, 0, columns);
        int panel = first * k;
        int from = aOffset + row * aStride;
        for (int i = 0; i < k; i++) {
          float x = a[from + i];
          for (int j = 0; j < width; j++) {
            sums[j] += x * b[panel + i * width + j];
          }
        }
        System.arraycopy(sums, 0, c, to, columns);
      }
    }
  }

  @Override
  public void gelu(float[] x, int offset, int length) {
    for (int i = offset; i < offset + length; i++) {
      x[i] = gelu(x[i]);
    }
  }

  static float gelu(float x) {
    return 0.5f * x * (1 + erf(x * 0.70710678f));
  }

  /**
   * erf, to about 1 unit in the last place. Source: N. Juffa's minimax approximations for single
   * precision.
   */
  static float erf(float x) {
    float t = Math.abs(x);
    float s = x * x;
    if (t > 0.927734375f) {
      float u = -3.88396438e-3f * t + 2.42546219e-2f;
      float r = (-1.72853470e-5f * t + 3.83197126e-4f) * s + u;
      r = r * t - 1.06777877e-1f;
      r = r * t - 6.34846687e-1f;
      r = r * t - 1.28717512e-1f;
      r = r * t - t;
      return Math.copySign(1 - (float) Math.exp(r), x);
    }
    float r = -5.96761703e-4f;
    r = r * s + 4.99119423e-3f;
    r = r * s - 2.67681349e-2f;
    r = r * s + 1.12819925e-1f;
    r = r * s - 3.76125336e-1f;
    r = r * s + 1.28379166e-1f;
    return r * x + x;
  }

  @Override
  public void softmax(float[] x, int rows, int columns, int stride) {
    for (int row = 0; row < rows; row++) {
      int at = row * stride;
      float max = Float.NEGATIVE_INFINITY;
      for (int i = at; i < at + columns; i++) {
        max = Math.max(max, x[i]);
      }
      float sum = 0;
      for (int i = at; i < at + columns; i++) {
        x[i] = (float) Math.exp(x[i] - max);
        sum += x[i];
      }
      for (int i = at; i < at + columns; i++) {
        x[i] /= sum;
      }
    }
  }

  @Override
  public void layerNorm(
      float[] x, float[] y, int rows, int columns, float[] scale, float[] shift, float epsilon) {
    for (int row = 0; row < rows; row++) {
      int at = row * columns;
      float sum = 0;
      for (int i = 0; i < columns; i++) {
        if (y != null) {
          x[at + i] += y[at + i];
        }
        sum += x[at + i];
      }
      float mean = sum / columns;
      float squares = 0;
      for (int i = 0; i < columns; i++) {
        float d = x[at + i] - mean;
        squares += d * d;
      }
      float inverse = (float) (1 / Math.sqrt(squares / columns + epsilon));
      for (int i = 0; i < columns; i++) {
        x[at + i] = (x[at + i] - mean) * inverse * scale[i] + shift[i];
      }
    }
  }
}
