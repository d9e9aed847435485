package io.sluice.compute.kernel;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * {@link Dots} with vectors. A tile keeps its 12 sums in registers, and with the three rows of w
 * and one of x fills the 16 of AVX2.
 */
final class VectorDots implements Dots {
  private static final VectorSpecies<Float> S = Vectors.Floats.SPECIES;

  private final boolean readsSegments;

  /** For this process: in a native executable such reads can crash (oracle/graal issue 14255). */
  VectorDots() {
    this(System.getProperty("org.graalvm.nativeimage.imagecode") == null);
  }

  VectorDots(boolean readsSegments) {
    this.readsSegments = readsSegments;
  }

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
    int whole = n - n % LANES;
    int x1 = x0 + xs;
    int x2 = x1 + xs;
    int x3 = x2 + xs;
    int w1 = w0 + ws;
    int w2 = w1 + ws;
    FloatVector s00 = FloatVector.zero(S);
    FloatVector s01 = FloatVector.zero(S);
    FloatVector s02 = FloatVector.zero(S);
    FloatVector s10 = FloatVector.zero(S);
    FloatVector s11 = FloatVector.zero(S);
    FloatVector s12 = FloatVector.zero(S);
    FloatVector s20 = FloatVector.zero(S);
    FloatVector s21 = FloatVector.zero(S);
    FloatVector s22 = FloatVector.zero(S);
    FloatVector s30 = FloatVector.zero(S);
    FloatVector s31 = FloatVector.zero(S);
    FloatVector s32 = FloatVector.zero(S);
    for (int k = 0; k < whole; k += LANES) {
      FloatVector b0 = FloatVector.fromArray(S, w, w0 + k);
      FloatVector b1 = FloatVector.fromArray(S, w, w1 + k);
      FloatVector b2 = FloatVector.fromArray(S, w, w2 + k);
      FloatVector a0 = FloatVector.fromArray(S, x, x0 + k);
      s00 = a0.fma(b0, s00);
      s01 = a0.fma(b1, s01);
      s02 = a0.fma(b2, s02);
      FloatVector a1 = FloatVector.fromArray(S, x, x1 + k);
      s10 = a1.fma(b0, s10);
      s11 = a1.fma(b1, s11);
      s12 = a1.fma(b2, s12);
      FloatVector a2 = FloatVector.fromArray(S, x, x2 + k);
      s20 = a2.fma(b0, s20);
      s21 = a2.fma(b1, s21);
      s22 = a2.fma(b2, s22);
      FloatVector a3 = FloatVector.fromArray(S, x, x3 + k);
      s30 = a3.fma(b0, s30);
      s31 = a3.fma(b1, s31);
      s32 = a3.fma(b2, s32);
    }
    s00.intoArray(scratch, 0);
    s01.intoArray(scratch, 8);
    s02.intoArray(scratch, 16);
    s10.intoArray(scratch, 24);
    s11.intoArray(scratch, 32);
    s12.intoArray(scratch, 40);
    s20.intoArray(scratch, 48);
    s21.intoArray(scratch, 56);
    s22.intoArray(scratch, 64);
    s30.intoArray(scratch, 72);
    s31.intoArray(scratch, 80);
    s32.intoArray(scratch, 88);
    for (int i = 0, lanes = 0; i < TILE_X; i++) {
      for (int j = 0; j < TILE_W; j++, lanes += LANES) {
        int xt = x0 + i * xs + whole;
        Dots.addTail(x, xt, w, w0 + j * ws + whole, n - whole, scratch, lanes);
        float dot = Dots.sum(scratch, lanes);
        int at = y0 + i * ys + j;
        y[at] = add ? y[at] + dot : dot;
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
    int whole = n - n % LANES;
    int w1 = w0 + ws;
    int w2 = w1 + ws;
    int w3 = w2 + ws;
    FloatVector s0 = FloatVector.zero(S);
    FloatVector s1 = FloatVector.zero(S);
    FloatVector s2 = FloatVector.zero(S);
    FloatVector s3 = FloatVector.zero(S);
    for (int k = 0; k < whole; k += LANES) {
      FloatVector a = FloatVector.fromArray(S, x, x0 + k);
      s0 = a.fma(FloatVector.fromArray(S, w, w0 + k), s0);
      s1 = a.fma(FloatVector.fromArray(S, w, w1 + k), s1);
      s2 = a.fma(FloatVector.fromArray(S, w, w2 + k), s2);
      s3 = a.fma(FloatVector.fromArray(S, w, w3 + k), s3);
    }
    s0.intoArray(scratch, 0);
    s1.intoArray(scratch, 8);
    s2.intoArray(scratch, 16);
    s3.intoArray(scratch, 24);
    for (int j = 0; j < 4; j++) {
      Dots.addTail(x, x0 + whole, w, w0 + j * ws + whole, n - whole, scratch, j * LANES);
      float dot = Dots.sum(scratch, j * LANES);
      y[y0 + j] = add ? y[y0 + j] + dot : dot;
    }
  }

  @Override
  public boolean readsSegments() {
    return readsSegments;
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
    int whole = n - n % LANES;
    FloatVector s0 = FloatVector.zero(S);
    FloatVector s1 = FloatVector.zero(S);
    FloatVector s2 = FloatVector.zero(S);
    FloatVector s3 = FloatVector.zero(S);
    FloatVector s4 = FloatVector.zero(S);
    FloatVector s5 = FloatVector.zero(S);
    FloatVector s6 = FloatVector.zero(S);
    FloatVector s7 = FloatVector.zero(S);
    for (int k = 0; k < whole; k += LANES) {
      FloatVector a = FloatVector.fromArray(S, x, x0 + k);
      long at = w0 + 4L * k;
      s0 = a.fma(stream(w, at), s0);
      s1 = a.fma(stream(w, at + ws), s1);
      s2 = a.fma(stream(w, at + 2 * ws), s2);
      s3 = a.fma(stream(w, at + 3 * ws), s3);
      s4 = a.fma(stream(w, at + 4 * ws), s4);
      s5 = a.fma(stream(w, at + 5 * ws), s5);
      s6 = a.fma(stream(w, at + 6 * ws), s6);
      s7 = a.fma(stream(w, at + 7 * ws), s7);
    }
    s0.intoArray(scratch, 0);
    s1.intoArray(scratch, 8);
    s2.intoArray(scratch, 16);
    s3.intoArray(scratch, 24);
    s4.intoArray(scratch, 32);
    s5.intoArray(scratch, 40);
    s6.intoArray(scratch, 48);
    s7.intoArray(scratch, 56);
    for (int j = 0; j < 8; j++) {
      if (whole < n) {
        MemorySegment.copy(
            w, LittleEndian.FLOATS, w0 + j * ws + 4L * whole, scratch, 8 * LANES, n - whole);
        Dots.addTail(x, x0 + whole, scratch, 8 * LANES, n - whole, scratch, j * LANES);
      }
      float dot = Dots.sum(scratch, j * LANES);
      y[y0 + j] = add ? y[y0 + j] + dot : dot;
    }
  }

  private static FloatVector stream(MemorySegment w, long at) {
    return FloatVector.fromMemorySegment(S, w, at, ByteOrder.LITTLE_ENDIAN);
  }

  @Override
  public float one(float[] x, int x0, float[] w, int w0, int n, float[] scratch) {
    int whole = n - n % LANES;
    FloatVector s = FloatVector.zero(S);
    for (int k = 0; k < whole; k += LANES) {
      s = FloatVector.fromArray(S, x, x0 + k).fma(FloatVector.fromArray(S, w, w0 + k), s);
    }
    s.intoArray(scratch, 0);
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
    int whole = n - n % LANES;
    int w1 = w0 + ws;
    int w2 = w1 + ws;
    int w3 = w2 + ws;
    FloatVector s0 = FloatVector.zero(S);
    FloatVector s1 = FloatVector.zero(S);
    FloatVector s2 = FloatVector.zero(S);
    FloatVector s3 = FloatVector.zero(S);
    for (int k = 0; k < whole; k += LANES) {
      FloatVector a = FloatVector.fromArray(S, x, x0 + k);
      FloatVector d0 = a.sub(FloatVector.fromArray(S, w, w0 + k));
      s0 = d0.fma(d0, s0);
      FloatVector d1 = a.sub(FloatVector.fromArray(S, w, w1 + k));
      s1 = d1.fma(d1, s1);
      FloatVector d2 = a.sub(FloatVector.fromArray(S, w, w2 + k));
      s2 = d2.fma(d2, s2);
      FloatVector d3 = a.sub(FloatVector.fromArray(S, w, w3 + k));
      s3 = d3.fma(d3, s3);
    }
    s0.intoArray(scratch, 0);
    s1.intoArray(scratch, 8);
    s2.intoArray(scratch, 16);
    s3.intoArray(scratch, 24);
    for (int j = 0; j < 4; j++) {
      int wt = w0 + j * ws + whole;
      Dots.addTailSquares(x, x0 + whole, w, wt, n - whole, scratch, j * LANES);
      float sum = Dots.sum(scratch, j * LANES);
      y[y0 + j] = add ? y[y0 + j] + sum : sum;
    }
  }

  @Override
  public float distance(float[] x, int x0, float[] w, int w0, int n, float[] scratch) {
    int whole = n - n % LANES;
    FloatVector s = FloatVector.zero(S);
    for (int k = 0; k < whole; k += LANES) {
      FloatVector d = FloatVector.fromArray(S, x, x0 + k).sub(FloatVector.fromArray(S, w, w0 + k));
      s = d.fma(d, s);
    }
    s.intoArray(scratch, 0);
    Dots.addTailSquares(x, x0 + whole, w, w0 + whole, n - whole, scratch, 0);
    return Dots.sum(scratch, 0);
  }
}
