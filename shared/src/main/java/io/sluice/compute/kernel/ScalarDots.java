package io.sluice.compute.kernel;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/** {@link Dots} without vectors. */
final class ScalarDots implements Dots {
  @Override
  public void tile(
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
      float[] scratch) {
    for (int i = 0; i < TILE_X; i++) {
      for (int j = 0; j < TILE_W; j++) {
        put(y, y0 + i * ys + j, one(x, x0 + i * xs, w, w0 + j * ws, n, scratch), add);
      }
    }
  }

  @Override
  public void row4(
      float[] x,
      int x0,
      float[] w,
      int w0,
      int ws,
      int n,
      float[] y,
      int y0,
      boolean add,
      float[] scratch) {
    for (int j = 0; j < 4; j++) {
      put(y, y0 + j, one(x, x0, w, w0 + j * ws, n, scratch), add);
    }
  }

  @Override
  public void row8(
      float[] x,
      int x0,
      MemorySegment w,
      long w0,
      long ws,
      int n,
      float[] y,
      int y0,
      boolean add,
      float[] scratch) {
    throw new UnsupportedOperationException();
  }

  @Override
  public boolean readsSegments() {
    return false;
  }

  @Override
  public float one(float[] x, int x0, float[] w, int w0, int n, float[] scratch) {
    Arrays.fill(scratch, 0, LANES, 0);
    int whole = n - n % LANES;
    for (int k = 0; k < whole; k += LANES) {
      for (int l = 0; l < LANES; l++) {
        scratch[l] = Math.fma(x[x0 + k + l], w[w0 + k + l], scratch[l]);
      }
    }
    Dots.addTail(x, x0 + whole, w, w0 + whole, n - whole, scratch, 0);
    return Dots.sum(scratch, 0);
  }

  @Override
  public void distances4(
      float[] x,
      int x0,
      float[] w,
      int w0,
      int ws,
      int n,
      float[] y,
      int y0,
      boolean add,
      float[] scratch) {
    for (int j = 0; j < 4; j++) {
      put(y, y0 + j, distance(x, x0, w, w0 + j * ws, n, scratch), add);
    }
  }

  @Override
  public float distance(float[] x, int x0, float[] w, int w0, int n, float[] scratch) {
    Arrays.fill(scratch, 0, LANES, 0);
    int whole = n - n % LANES;
    for (int k = 0; k < whole; k += LANES) {
      for (int l = 0; l < LANES; l++) {
        float difference = x[x0 + k + l] - w[w0 + k + l];
        scratch[l] = Math.fma(difference, difference, scratch[l]);
      }
    }
    Dots.addTailSquares(x, x0 + whole, w, w0 + whole, n - whole, scratch, 0);
    return Dots.sum(scratch, 0);
  }

  private static void put(float[] y, int at, float value, boolean add) {
    y[at] = add ? y[at] + value : value;
  }
}
