package io.sluice.compute.kernel;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Objects;

/**
 * Products of rows with a matrix: y = x Wᵀ, in floats.
 *
 * <p>Each element of y is one sum in an order that depends on nothing but the number of inputs: not
 * on how many rows x and W have, which thread does what, or whether there are vector instructions.
 * The inputs are cut into blocks of {@value #BLOCK}. A block is summed in eight lanes: lane {@code
 * l} is a chain of fused multiply-adds over the inputs {@code l, l + 8, ...}, from zero; the lanes
 * are added as {@code ((0 + 4) + (2 + 6)) + ((1 + 5) + (3 + 7))}, and the sums of the blocks in
 * their order. So the rows of W can be split over machines and give the same bits; its columns
 * cannot.
 *
 * <p>W is cut into blocks that stay in the second-level cache, and each is brought into an array as
 * floats once for 64 rows of x or more; tiles of 4 rows of x and 3 of W stay in the first level.
 */
public final class Gemm {
  /** Inputs in a block of the sum. */
  public static final int BLOCK = 1024;

  /** Rows of W in a block: a multiple of both kinds of tile. */
  private static final int W_ROWS = 48;

  /** Rows of x in a block. */
  private static final int X_ROWS = 64;

  /** Up to how many rows of x W is read as a stream. */
  private static final int FEW = 3;

  /** Floats in a block of W for few rows of x. */
  private static final int STREAM = 1 << 14;

  /** Products below which a second thread costs more than it brings. */
  private static final long ALONE = 1 << 16;

  private final Weights w;
  private final float[] x;
  private final int x0;
  private final int n;
  private final float[] y;
  private final int y0;
  private final int ys;
  private final int columns;
  private final Dots dots;

  private Gemm(Weights w, float[] x, int x0, int n, float[] y, int y0, int ys, Dots dots) {
    this.w = w;
    this.x = x;
    this.x0 = x0;
    this.n = n;
    this.y = y;
    this.y0 = y0;
    this.ys = ys;
    this.columns = w.columns();
    this.dots = dots;
  }

  /**
   * y = x Wᵀ.
   *
   * @param x {@code n} rows of {@code w.columns()} floats, from {@code x0} on without gaps
   * @param n rows of x and y
   * @param y element j of row i goes to {@code y[y0 + i * ys + j]}; what else is there stays
   * @param ys distance of two rows of y, at least {@code w.rows()}
   * @param parallel the threads; the result does not depend on them
   * @throws IndexOutOfBoundsException if x or y are too short
   */
  public static void multiply(
      Weights w, float[] x, int x0, int n, float[] y, int y0, int ys, Parallel parallel) {
    multiply(w, x, x0, n, y, y0, ys, parallel, Dots.forThisProcess());
  }

  /**
   * y = x Wᵀ + b, with rows of y without gaps.
   *
   * @param bias one element for each of {@code w.rows()}, or none at all
   */
  public static void multiply(
      Weights w, float[] x, int x0, int n, float[] bias, float[] y, Parallel parallel) {
    boolean biased = bias.length > 0;
    if (biased) {
      Objects.checkFromIndexSize(0, w.rows(), bias.length);
    }
    multiply(w, x, x0, n, y, 0, w.rows(), parallel);
    for (int i = 0, at = 0; biased && i < n; i++) {
      for (int j = 0; j < w.rows(); j++, at++) {
        y[at] += bias[j];
      }
    }
  }

  static void multiply(
      Weights w,
      float[] x,
      int x0,
      int n,
      float[] y,
      int y0,
      int ys,
      Parallel parallel,
      Dots dots) {
    if (n == 0 || w.rows() == 0) {
      return;
    }
    if (n < 0 || ys < w.rows()) {
      throw new IllegalArgumentException(
          n + " rows of " + w.rows() + " elements, " + ys + " apart");
    }
    Objects.checkFromIndexSize(x0, (long) n * w.columns(), x.length);
    Objects.checkFromIndexSize(y0, (n - 1L) * ys + w.rows(), y.length);
    Gemm gemm = new Gemm(w, x, x0, n, y, y0, ys, dots);
    if (w.columns() == 0) {
      for (int i = 0; i < n; i++) {
        Arrays.fill(y, y0 + i * ys, y0 + i * ys + w.rows(), 0);
      }
    } else if (n <= FEW) {
      gemm.few(parallel);
    } else {
      gemm.many(parallel);
    }
  }

  private static Parallel suited(Parallel parallel, long products) {
    return products < ALONE ? Parallel.none() : parallel;
  }

  // ---- few rows of x: bound by the reading of W

  private void few(Parallel parallel) {
    // As many parts as keep the threads busy to the end, each a stream of its own.
    int each = Math.ceilDiv(w.rows(), 8 * parallel.threads());
    int part = Math.max(16, Math.ceilDiv(each, 8) * 8);
    suited(parallel, (long) n * w.rows() * columns)
        .run(Math.ceilDiv(w.rows(), part), p -> few(p * part, Math.min(w.rows(), (p + 1) * part)));
  }

  private void few(int from, int to) {
    float[] scratch = new float[Dots.SCRATCH];
    int row = from;
    if (w.floats() != null && dots.readsSegments()) {
      for (; row + 8 <= to; row += 8) {
        stream(w.floats(), row, scratch);
      }
    }
    if (w.array() != null) {
      int at = w.arrayOffset() + row * columns;
      rows(w.array(), at, columns, row, to - row, 0, columns, scratch);
      return;
    }
    if (row == to) {
      return;
    }
    Weights.Reader reader = w.reader();
    int width = columns <= STREAM ? columns : STREAM;
    int height = Math.max(1, Math.min(to - row, STREAM / width));
    height = height > 4 ? height / 4 * 4 : height;
    float[] block = new float[height * width];
    for (; row < to; row += height) {
      int rows = Math.min(height, to - row);
      for (int k = 0; k < columns; k += width) {
        int kn = Math.min(width, columns - k);
        reader.read(row, rows, k, kn, block, kn);
        rows(block, 0, kn, row, rows, k, kn, scratch);
      }
    }
  }

  /** Eight rows of W straight from where they lie. */
  private void stream(MemorySegment floats, int row, float[] scratch) {
    long stride = 4L * columns;
    for (int k = 0; k < columns; k += BLOCK) {
      int kn = Math.min(BLOCK, columns - k);
      for (int i = 0; i < n; i++) {
        int xi = x0 + i * columns + k;
        int yi = y0 + i * ys + row;
        dots.row8(x, xi, floats, row * stride + 4L * k, stride, kn, y, yi, k > 0, scratch);
      }
    }
  }

  /** All rows of x with rows of W in an array, each of the inputs from {@code k} to k + kn. */
  private void rows(
      float[] block, int at, int stride, int row, int rows, int k, int kn, float[] scratch) {
    for (int b = 0; b < kn; b += BLOCK) {
      int bn = Math.min(BLOCK, kn - b);
      for (int i = 0; i < n; i++) {
        row(x0 + i * columns + k + b, block, at + b, stride, row, rows, bn, i, k + b > 0, scratch);
      }
    }
  }

  /** One row of x with rows of W, one block of inputs. */
  private void row(
      int xi,
      float[] block,
      int at,
      int stride,
      int row,
      int rows,
      int kn,
      int i,
      boolean add,
      float[] scratch) {
    int yi = y0 + i * ys + row;
    int j = 0;
    for (; j + 4 <= rows; j += 4) {
      dots.row4(x, xi, block, at + j * stride, stride, kn, y, yi + j, add, scratch);
    }
    for (; j < rows; j++) {
      float dot = dots.one(x, xi, block, at + j * stride, kn, scratch);
      y[yi + j] = add ? y[yi + j] + dot : dot;
    }
  }

  // ---- many rows of x: bound by arithmetic

  private void many(Parallel parallel) {
    int across = Math.ceilDiv(w.rows(), W_ROWS);
    // Rows of x are split only if those of W do not keep the threads busy.
    int xParts =
        across >= 4 * parallel.threads() || parallel.threads() == 1
            ? 1
            : Math.min(Math.ceilDiv(n, 16), Math.ceilDiv(4 * parallel.threads(), across));
    int xRows = Math.ceilDiv(Math.ceilDiv(n, xParts), Dots.TILE_X) * Dots.TILE_X;
    int down = Math.ceilDiv(n, xRows);
    suited(parallel, (long) n * w.rows() * columns)
        .run(
            across * down,
            p -> {
              int row = p / down * W_ROWS;
              int first = p % down * xRows;
              many(row, Math.min(W_ROWS, w.rows() - row), first, Math.min(n, first + xRows));
            });
  }

  private void many(int row, int rows, int first, int end) {
    float[] scratch = new float[Dots.SCRATCH];
    float[] block = w.array();
    Weights.Reader reader = null;
    if (block == null) {
      reader = w.reader();
      block = new float[rows * Math.min(BLOCK, columns)];
    }
    for (int k = 0; k < columns; k += BLOCK) {
      int kn = Math.min(BLOCK, columns - k);
      int at = 0;
      int stride = kn;
      if (reader == null) {
        at = w.arrayOffset() + row * columns + k;
        stride = columns;
      } else {
        reader.read(row, rows, k, kn, block, kn);
      }
      for (int i = first; i < end; i += X_ROWS) {
        tiles(block, at, stride, row, rows, k, kn, i, Math.min(end, i + X_ROWS), scratch);
      }
    }
  }

  private void tiles(
      float[] block,
      int at,
      int stride,
      int row,
      int rows,
      int k,
      int kn,
      int first,
      int end,
      float[] scratch) {
    int tiled = first + (end - first) / Dots.TILE_X * Dots.TILE_X;
    boolean add = k > 0;
    int j = 0;
    for (; j + Dots.TILE_W <= rows; j += Dots.TILE_W) {
      int wj = at + j * stride;
      for (int i = first; i < tiled; i += Dots.TILE_X) {
        int xi = x0 + i * columns + k;
        int yi = y0 + i * ys + row + j;
        dots.tile(x, xi, columns, block, wj, stride, kn, y, yi, ys, add, scratch);
      }
    }
    for (; j < rows; j++) {
      for (int i = first; i < tiled; i++) {
        int yi = y0 + i * ys + row + j;
        float dot = dots.one(x, x0 + i * columns + k, block, at + j * stride, kn, scratch);
        y[yi] = add ? y[yi] + dot : dot;
      }
    }
    for (int i = tiled; i < end; i++) {
      row(x0 + i * columns + k, block, at, stride, row, rows, kn, i, add, scratch);
    }
  }
}
