package io.sluice.compute.embed;

/**
 * A matrix B of K rows and N columns as the right side of products wants it: panels of {@value
 * #WIDTH} columns, each K × {@value #WIDTH} in one piece; the last panel is filled up with zeros.
 *
 * @param data the panels
 * @param k rows
 * @param n columns
 */
record PackedMatrix(float[] data, int k, int n) {
  /** Columns of a panel. */
  static final int WIDTH = 16;

  /** Floats that a matrix takes when it is packed. */
  static int size(int k, int n) {
    return Math.multiplyExact(k, Math.ceilDiv(n, WIDTH) * WIDTH);
  }

  /**
   * Packs a matrix that lies row by row, [K, N].
   *
   * @param stride floats from a row to the next
   */
  static PackedMatrix ofRows(float[] source, int offset, int stride, int k, int n) {
    float[] data = new float[size(k, n)];
    packRows(source, offset, stride, k, n, data);
    return new PackedMatrix(data, k, n);
  }

  /**
   * Packs a matrix that lies column by column: a weight [N, K] of out and in features.
   *
   * @param stride floats from a column to the next
   */
  static PackedMatrix ofColumns(float[] source, int offset, int stride, int k, int n) {
    float[] data = new float[size(k, n)];
    packColumns(source, offset, stride, k, n, data);
    return new PackedMatrix(data, k, n);
  }

  /** See {@link #ofRows}; into an array that is used again. */
  static void packRows(float[] source, int offset, int stride, int k, int n, float[] data) {
    for (int first = 0; first < n; first += WIDTH) {
      int columns = Math.min(WIDTH, n - first);
      int at = first * k;
      for (int row = 0; row < k; row++, at += WIDTH) {
        System.arraycopy(source, offset + row * stride + first, data, at, columns);
        for (int c = columns; c < WIDTH; c++) {
          data[at + c] = 0;
        }
      }
    }
  }

  /** See {@link #ofColumns}; into an array that is used again. */
  static void packColumns(float[] source, int offset, int stride, int k, int n, float[] data) {
    for (int first = 0; first < n; first += WIDTH) {
      int panel = first * k;
      for (int c = 0; c < WIDTH; c++) {
        if (first + c < n) {
          int from = offset + (first + c) * stride;
          for (int row = 0; row < k; row++) {
            data[panel + row * WIDTH + c] = source[from + row];
          }
        } else {
          for (int row = 0; row < k; row++) {
            data[panel + row * WIDTH + c] = 0;
          }
        }
      }
    }
  }
}
