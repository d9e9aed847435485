package io.sluice.compute.kernel;

import java.util.Objects;

/**
 * Squared Euclidean distances between rows, in floats. Each is one sum in the order of {@link
 * Gemm}, of squared differences: equal rows are at distance zero, and near ones lose nothing by
 * cancellation.
 */
public final class Distances {
  private Distances() {}

  /**
   * Squared distances of rows of x from rows of w; on the caller's thread.
   *
   * @param w {@code rows} rows of {@code columns} from the beginning, without gaps
   * @param x {@code n} rows of {@code columns} from the beginning, without gaps
   * @param y distance of row i of x from row j of w goes to {@code y[i * ys + j]}
   */
  public static void squared(
      float[] w, int rows, int columns, float[] x, int n, float[] y, int ys) {
    squared(w, rows, columns, x, n, y, ys, Dots.forThisProcess());
  }

  static void squared(
      float[] w, int rows, int columns, float[] x, int n, float[] y, int ys, Dots dots) {
    Objects.checkFromIndexSize(0, (long) rows * columns, w.length);
    Objects.checkFromIndexSize(0, (long) n * columns, x.length);
    if (n == 0 || rows == 0) {
      return;
    }
    Objects.checkFromIndexSize(0, (n - 1L) * ys + rows, y.length);
    float[] scratch = new float[Dots.SCRATCH];
    int k = 0;
    do {
      int kn = Math.min(Gemm.BLOCK, columns - k);
      for (int i = 0; i < n; i++) {
        int xi = i * columns + k;
        int yi = i * ys;
        int j = 0;
        for (; j + 4 <= rows; j += 4) {
          dots.distances4(x, xi, w, j * columns + k, columns, kn, y, yi + j, k > 0, scratch);
        }
        for (; j < rows; j++) {
          float sum = dots.distance(x, xi, w, j * columns + k, kn, scratch);
          y[yi + j] = k > 0 ? y[yi + j] + sum : sum;
        }
      }
      k += Gemm.BLOCK;
    } while (k < columns);
  }
}
