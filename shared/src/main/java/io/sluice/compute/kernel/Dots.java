package io.sluice.compute.kernel;

import java.lang.foreign.MemorySegment;

/**
 * Dot products of rows of floats: the innermost loops of {@link Gemm}.
 *
 * <p>All implementations compute the same bits. A dot product of {@code n} elements is that of
 * eight lanes: lane {@code l} is a chain of fused multiply-adds over the elements {@code l, l + 8,
 * l + 16, ...}, from zero; the lanes are then added as {@code ((0 + 4) + (2 + 6)) + ((1 + 5) + (3 +
 * 7))}.
 */
interface Dots {
  /** Lanes of a dot product. */
  int LANES = 8;

  /** Rows of x in a tile. */
  int TILE_X = 4;

  /** Rows of w in a tile. */
  int TILE_W = 3;

  /** Room that a tile needs for its lanes. */
  int SCRATCH = TILE_X * TILE_W * LANES;

  /** The kernels for this process. */
  static Dots forThisProcess() {
    return Vectors.available() ? new VectorDots() : new ScalarDots();
  }

  /**
   * Dot products of {@value #TILE_X} rows of x with {@value #TILE_W} rows of w.
   *
   * @param x begins at {@code x0}, its rows {@code xs} apart
   * @param w begins at {@code w0}, its rows {@code ws} apart
   * @param n elements of each row
   * @param y product of row i of x and row j of w goes to {@code y[y0 + i * ys + j]}
   * @param add whether it is added to what is there
   * @param scratch {@link #SCRATCH} floats
   */
  void tile(
      float[] x,
      int x0,
      int xs,
      float[] w,
      int w0,
      int ws,
      int n,
      float[] y,
      int y0,
      int ys,
      boolean add,
      float[] scratch);

  /** Dot products of one row of x with four rows of w, as {@link #tile}. */
  void row4(
      float[] x,
      int x0,
      float[] w,
      int w0,
      int ws,
      int n,
      float[] y,
      int y0,
      boolean add,
      float[] scratch);

  /**
   * Dot products of one row of x with eight rows of w that lie outside the heap, as {@link #tile}:
   * eight streams keep the prefetcher busy. Only where {@link #readsSegments}.
   *
   * @param w floats, little-endian; begins at byte {@code w0}, its rows {@code ws} bytes apart
   */
  void row8(
      float[] x,
      int x0,
      MemorySegment w,
      long w0,
      long ws,
      int n,
      float[] y,
      int y0,
      boolean add,
      float[] scratch);

  /** Whether vectors may be read straight from memory outside the heap. */
  boolean readsSegments();

  /** Dot product of one row of x with one of w. */
  float one(float[] x, int x0, float[] w, int w0, int n, float[] scratch);

  /** Squared distances of one row of x from four rows of w: sums as those of {@link #row4}. */
  void distances4(
      float[] x,
      int x0,
      float[] w,
      int w0,
      int ws,
      int n,
      float[] y,
      int y0,
      boolean add,
      float[] scratch);

  /** Squared distance of one row of x from one of w. */
  float distance(float[] x, int x0, float[] w, int w0, int n, float[] scratch);

  /** Adds the last squared differences to the lanes of a distance. */
  static void addTailSquares(
      float[] x, int xt, float[] w, int wt, int tail, float[] lanes, int at) {
    for (int l = 0; l < tail; l++) {
      float difference = x[xt + l] - w[wt + l];
      lanes[at + l] = Math.fma(difference, difference, lanes[at + l]);
    }
  }

  /** Adds the last elements to the lanes of a dot product. */
  static void addTail(float[] x, int xt, float[] w, int wt, int tail, float[] lanes, int at) {
    for (int l = 0; l < tail; l++) {
      lanes[at + l] = Math.fma(x[xt + l], w[wt + l], lanes[at + l]);
    }
  }

  /** The sum of the lanes of a dot product. */
  static float sum(float[] lanes, int at) {
    return ((lanes[at] + lanes[at + 4]) + (lanes[at + 2] + lanes[at + 6]))
        + ((lanes[at + 1] + lanes[at + 5]) + (lanes[at + 3] + lanes[at + 7]));
  }
}
