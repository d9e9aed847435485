package io.sluice.compute.embed;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** The kernels with vector instructions of 256 bits. */
final class VectorKernels implements EncoderKernels {
  private static final VectorSpecies<Float> S = FloatVector.SPECIES_256;
  private static final int LANES = 8;
  private static final int WIDTH = PackedMatrix.WIDTH;

  /** Rows of a panel that are worked on at once: 512 × 16 floats are 32 KiB, as a level 1 cache. */
  private static final int DEPTH = 512;

  /** Rows of A that are worked on with one panel after the other: they stay in a level 2 cache. */
  private static final int HEIGHT = 192;

  private final boolean wide;

  VectorKernels() {
    this(WideProduct.available());
  }

  /**
   * @param wide whether to use vectors of 512 bits for products
   */
  VectorKernels(boolean wide) {
    this.wide = wide;
  }

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
    float[] edge = n % WIDTH == 0 ? null : new float[6 * WIDTH];
    for (int depth = 0; depth < k; depth += DEPTH) {
      int rows = Math.min(DEPTH, k - depth);
      for (int top = 0; top < m; top += HEIGHT) {
        int bottom = Math.min(m, top + HEIGHT);
        int first = 0;
        int from = aOffset + depth;
        for (; wide && first + 2 * WIDTH <= n; first += 2 * WIDTH) {
          int panel = first * k + depth * WIDTH;
          int to = cOffset + first;
          WideProduct.panels(
              a, from, aStride, top, bottom, b, panel, WIDTH * k, rows, c, to, cStride);
        }
        for (; first < n; first += WIDTH) {
          int panel = first * k + depth * WIDTH;
          int to = cOffset + first;
          if (n - first < WIDTH) {
            edge(a, from, aStride, top, bottom, b, panel, rows, c, to, cStride, n - first, edge);
          } else {
            panel(a, from, aStride, top, bottom, b, panel, rows, c, to, cStride);
          }
        }
      }
    }
  }

  private static void panel(
      float[] a,
      int ao,
      int as,
      int top,
      int bottom,
      float[] b,
      int bo,
      int k,
      float[] c,
      int co,
      int cs) {
    int row = top;
    for (; row + 6 <= bottom; row += 6) {
      six(a, ao + row * as, as, b, bo, k, c, co + row * cs, cs);
    }
    if (row + 4 <= bottom) {
      four(a, ao + row * as, as, b, bo, k, c, co + row * cs, cs);
      row += 4;
    }
    for (; row + 2 <= bottom; row += 2) {
      two(a, ao + row * as, as, b, bo, k, c, co + row * cs, cs);
    }
    if (row < bottom) {
      one(a, ao + row * as, b, bo, k, c, co + row * cs);
    }
  }

  /** The last panel, if it is not full: row by row through an array of whole width. */
  private static void edge(
      float[] a,
      int ao,
      int as,
      int top,
      int bottom,
      float[] b,
      int bo,
      int k,
      float[] c,
      int co,
      int cs,
      int columns,
      float[] edge) {
    for (int row = top; row < bottom; row++) {
      System.arraycopy(c, co + row * cs, edge, 0, columns);
      one(a, ao + row * as, b, bo, k, edge, 0);
      System.arraycopy(edge, 0, c, co + row * cs, columns);
    }
  }

  private static void six(
      float[] a, int a0, int as, float[] b, int bo, int k, float[] c, int c0, int cs) {
    int a1 = a0 + as;
    int a2 = a1 + as;
    int a3 = a2 + as;
    int a4 = a3 + as;
    int a5 = a4 + as;
    int c1 = c0 + cs;
    int c2 = c1 + cs;
    int c3 = c2 + cs;
    int c4 = c3 + cs;
    int c5 = c4 + cs;
    FloatVector s00 = FloatVector.fromArray(S, c, c0);
    FloatVector s01 = FloatVector.fromArray(S, c, c0 + LANES);
    FloatVector s10 = FloatVector.fromArray(S, c, c1);
    FloatVector s11 = FloatVector.fromArray(S, c, c1 + LANES);
    FloatVector s20 = FloatVector.fromArray(S, c, c2);
    FloatVector s21 = FloatVector.fromArray(S, c, c2 + LANES);
    FloatVector s30 = FloatVector.fromArray(S, c, c3);
    FloatVector s31 = FloatVector.fromArray(S, c, c3 + LANES);
    FloatVector s40 = FloatVector.fromArray(S, c, c4);
    FloatVector s41 = FloatVector.fromArray(S, c, c4 + LANES);
    FloatVector s50 = FloatVector.fromArray(S, c, c5);
    FloatVector s51 = FloatVector.fromArray(S, c, c5 + LANES);
    for (int i = 0; i < k; i++) {
      FloatVector left = FloatVector.fromArray(S, b, bo + i * WIDTH);
      FloatVector right = FloatVector.fromArray(S, b, bo + i * WIDTH + LANES);
      FloatVector x = FloatVector.broadcast(S, a[a0 + i]);
      s00 = x.fma(left, s00);
      s01 = x.fma(right, s01);
      x = FloatVector.broadcast(S, a[a1 + i]);
      s10 = x.fma(left, s10);
      s11 = x.fma(right, s11);
      x = FloatVector.broadcast(S, a[a2 + i]);
      s20 = x.fma(left, s20);
      s21 = x.fma(right, s21);
      x = FloatVector.broadcast(S, a[a3 + i]);
      s30 = x.fma(left, s30);
      s31 = x.fma(right, s31);
      x = FloatVector.broadcast(S, a[a4 + i]);
      s40 = x.fma(left, s40);
      s41 = x.fma(right, s41);
      x = FloatVector.broadcast(S, a[a5 + i]);
      s50 = x.fma(left, s50);
      s51 = x.fma(right, s51);
    }
    s00.intoArray(c, c0);
    s01.intoArray(c, c0 + LANES);
    s10.intoArray(c, c1);
    s11.intoArray(c, c1 + LANES);
    s20.intoArray(c, c2);
    s21.intoArray(c, c2 + LANES);
    s30.intoArray(c, c3);
    s31.intoArray(c, c3 + LANES);
    s40.intoArray(c, c4);
    s41.intoArray(c, c4 + LANES);
    s50.intoArray(c, c5);
    s51.intoArray(c, c5 + LANES);
  }

  private static void four(
      float[] a, int a0, int as, float[] b, int bo, int k, float[] c, int c0, int cs) {
    int a1 = a0 + as;
    int a2 = a1 + as;
    int a3 = a2 + as;
    int c1 = c0 + cs;
    int c2 = c1 + cs;
    int c3 = c2 + cs;
    FloatVector s00 = FloatVector.fromArray(S, c, c0);
    FloatVector s01 = FloatVector.fromArray(S, c, c0 + LANES);
    FloatVector s10 = FloatVector.fromArray(S, c, c1);
    FloatVector s11 = FloatVector.fromArray(S, c, c1 + LANES);
    FloatVector s20 = FloatVector.fromArray(S, c, c2);
    FloatVector s21 = FloatVector.fromArray(S, c, c2 + LANES);
    FloatVector s30 = FloatVector.fromArray(S, c, c3);
    FloatVector s31 = FloatVector.fromArray(S, c, c3 + LANES);
    for (int i = 0; i < k; i++) {
      FloatVector left = FloatVector.fromArray(S, b, bo + i * WIDTH);
      FloatVector right = FloatVector.fromArray(S, b, bo + i * WIDTH + LANES);
      FloatVector x = FloatVector.broadcast(S, a[a0 + i]);
      s00 = x.fma(left, s00);
      s01 = x.fma(right, s01);
      x = FloatVector.broadcast(S, a[a1 + i]);
      s10 = x.fma(left, s10);
      s11 = x.fma(right, s11);
      x = FloatVector.broadcast(S, a[a2 + i]);
      s20 = x.fma(left, s20);
      s21 = x.fma(right, s21);
      x = FloatVector.broadcast(S, a[a3 + i]);
      s30 = x.fma(left, s30);
      s31 = x.fma(right, s31);
    }
    s00.intoArray(c, c0);
    s01.intoArray(c, c0 + LANES);
    s10.intoArray(c, c1);
    s11.intoArray(c, c1 + LANES);
    s20.intoArray(c, c2);
    s21.intoArray(c, c2 + LANES);
    s30.intoArray(c, c3);
    s31.intoArray(c, c3 + LANES);
  }

  private static void two(
      float[] a, int a0, int as, float[] b, int bo, int k, float[] c, int c0, int cs) {
    int a1 = a0 + as;
    int c1 = c0 + cs;
    FloatVector s00 = FloatVector.fromArray(S, c, c0);
    FloatVector s01 = FloatVector.fromArray(S, c, c0 + LANES);
    FloatVector s10 = FloatVector.fromArray(S, c, c1);
    FloatVector s11 = FloatVector.fromArray(S, c, c1 + LANES);
    for (int i = 0; i < k; i++) {
      FloatVector left = FloatVector.fromArray(S, b, bo + i * WIDTH);
      FloatVector right = FloatVector.fromArray(S, b, bo + i * WIDTH + LANES);
      FloatVector x = FloatVector.broadcast(S, a[a0 + i]);
      s00 = x.fma(left, s00);
      s01 = x.fma(right, s01);
      x = FloatVector.broadcast(S, a[a1 + i]);
      s10 = x.fma(left, s10);
      s11 = x.fma(right, s11);
    }
    s00.intoArray(c, c0);
    s01.intoArray(c, c0 + LANES);
    s10.intoArray(c, c1);
    s11.intoArray(c, c1 + LANES);
  }

  private static void one(float[] a, int a0, float[] b, int bo, int k, float[] c, int c0) {
    FloatVector s0 = FloatVector.fromArray(S, c, c0);
    FloatVector s1 = FloatVector.fromArray(S, c, c0 + LANES);
    for (int i = 0; i < k; i++) {
      FloatVector x = FloatVector.broadcast(S, a[a0 + i]);
      s0 = x.fma(FloatVector.fromArray(S, b, bo + i * WIDTH), s0);
      s1 = x.fma(FloatVector.fromArray(S, b, bo + i * WIDTH + LANES), s1);
    }
    s0.intoArray(c, c0);
    s1.intoArray(c, c0 + LANES);
  }

  @Override
  public void gelu(float[] x, int offset, int length) {
    int end = offset + length;
    int i = offset;
    for (; i + LANES <= end; i += LANES) {
      gelu(FloatVector.fromArray(S, x, i)).intoArray(x, i);
    }
    if (i < end) {
      float[] rest = new float[LANES];
      System.arraycopy(x, i, rest, 0, end - i);
      gelu(FloatVector.fromArray(S, rest, 0)).intoArray(rest, 0);
      System.arraycopy(rest, 0, x, i, end - i);
    }
  }

  private static FloatVector gelu(FloatVector x) {
    FloatVector half = x.mul(0.5f);
    return half.add(half.mul(erf(x.mul(0.70710678f))));
  }

  /** As {@link ScalarKernels#erf}. */
  private static FloatVector erf(FloatVector x) {
    FloatVector t = x.abs();
    FloatVector s = x.mul(x);
    FloatVector u = constant(-3.88396438e-3f).fma(t, constant(2.42546219e-2f));
    FloatVector r = constant(-1.72853470e-5f).fma(t, constant(3.83197126e-4f));
    r = r.fma(s, u);
    r = r.fma(t, constant(-1.06777877e-1f));
    r = r.fma(t, constant(-6.34846687e-1f));
    r = r.fma(t, constant(-1.28717512e-1f));
    r = r.fma(t, t.neg());
    FloatVector one = constant(1);
    FloatVector far = signed(one.sub(exp(r)), x);
    FloatVector q = constant(-5.96761703e-4f).fma(s, constant(4.99119423e-3f));
    q = q.fma(s, constant(-2.67681349e-2f));
    q = q.fma(s, constant(1.12819925e-1f));
    q = q.fma(s, constant(-3.76125336e-1f));
    q = q.fma(s, constant(1.28379166e-1f));
    FloatVector near = q.fma(x, x);
    return near.blend(far, t.compare(VectorOperators.GT, 0.927734375f));
  }

  private static FloatVector signed(FloatVector magnitude, FloatVector sign) {
    VectorMask<Float> negative = sign.compare(VectorOperators.LT, 0);
    return magnitude.blend(magnitude.neg(), negative);
  }

  private static FloatVector constant(float value) {
    return FloatVector.broadcast(S, value);
  }

  /**
   * e^x for x ≤ 88, to about 1 unit in the last place; 0 where it would be less than 2^-126. By e^x
   * = 2^n e^r, |r| ≤ ln 2 / 2, and the Taylor polynomial of e^r.
   */
  private static FloatVector exp(FloatVector x) {
    FloatVector bounded = x.max(-87.3f);
    // 1.5 × 2^23: adding it leaves the nearest whole number in the low bits
    FloatVector shifted = bounded.fma(constant(1.44269504f), constant(12582912f));
    FloatVector n = shifted.sub(12582912f);
    FloatVector r = n.fma(constant(-0.693359375f), bounded);
    r = n.fma(constant(2.12194440e-4f), r);
    FloatVector p = constant(1.9875691500e-4f).fma(r, constant(1.3981999507e-3f));
    p = p.fma(r, constant(8.3334519073e-3f));
    p = p.fma(r, constant(4.1665795894e-2f));
    p = p.fma(r, constant(1.6666665459e-1f));
    p = p.fma(r, constant(5.0000001201e-1f));
    p = p.fma(r.mul(r), r).add(1f);
    IntVector power = shifted.reinterpretAsInts().add(127).lanewise(VectorOperators.LSHL, 23);
    return p.mul(power.reinterpretAsFloats());
  }

  /**
   * The sum of the lanes in one order: that of {@code reduceLanes} is another one in compiled code
   * than before it is compiled.
   */
  private static float sum(FloatVector vector, float[] lanes) {
    vector.intoArray(lanes, 0);
    return ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3]))
        + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
  }

  @Override
  public void softmax(float[] x, int rows, int columns, int stride) {
    int whole = columns - columns % LANES;
    float[] rest = new float[LANES];
    for (int row = 0; row < rows; row++) {
      int at = row * stride;
      java.util.Arrays.fill(rest, Float.NEGATIVE_INFINITY);
      System.arraycopy(x, at + whole, rest, 0, columns - whole);
      FloatVector tail = FloatVector.fromArray(S, rest, 0);
      FloatVector maxima = tail;
      for (int i = 0; i < whole; i += LANES) {
        maxima = maxima.max(FloatVector.fromArray(S, x, at + i));
      }
      FloatVector max = constant(maxima.reduceLanes(VectorOperators.MAX));
      FloatVector sums = constant(0);
      for (int i = 0; i < whole; i += LANES) {
        FloatVector e = exp(FloatVector.fromArray(S, x, at + i).sub(max));
        e.intoArray(x, at + i);
        sums = sums.add(e);
      }
      if (whole < columns) {
        VectorMask<Float> there = VectorMask.fromLong(S, (1L << (columns - whole)) - 1);
        tail = constant(0).blend(exp(tail.sub(max)), there);
        sums = sums.add(tail);
      }
      float inverse = 1 / sum(sums, rest);
      for (int i = 0; i < whole; i += LANES) {
        FloatVector.fromArray(S, x, at + i).mul(inverse).intoArray(x, at + i);
      }
      if (whole < columns) {
        tail.mul(inverse).intoArray(rest, 0);
        System.arraycopy(rest, 0, x, at + whole, columns - whole);
      }
    }
  }

  @Override
  public void layerNorm(
      float[] x, float[] y, int rows, int columns, float[] scale, float[] shift, float epsilon) {
    int whole = columns - columns % LANES;
    float[] lanes = new float[LANES];
    for (int row = 0; row < rows; row++) {
      int at = row * columns;
      FloatVector sums = constant(0);
      for (int i = 0; i < whole; i += LANES) {
        FloatVector v = FloatVector.fromArray(S, x, at + i);
        if (y != null) {
          v = v.add(FloatVector.fromArray(S, y, at + i));
          v.intoArray(x, at + i);
        }
        sums = sums.add(v);
      }
      float sum = sum(sums, lanes);
      for (int i = whole; i < columns; i++) {
        x[at + i] += y == null ? 0 : y[at + i];
        sum += x[at + i];
      }
      float mean = sum / columns;
      FloatVector squares = constant(0);
      for (int i = 0; i < whole; i += LANES) {
        FloatVector d = FloatVector.fromArray(S, x, at + i).sub(mean);
        squares = d.fma(d, squares);
      }
      float square = sum(squares, lanes);
      for (int i = whole; i < columns; i++) {
        square += (x[at + i] - mean) * (x[at + i] - mean);
      }
      float inverse = (float) (1 / Math.sqrt(square / columns + epsilon));
      for (int i = 0; i < whole; i += LANES) {
        FloatVector d = FloatVector.fromArray(S, x, at + i).sub(mean).mul(inverse);
        d.fma(FloatVector.fromArray(S, scale, i), FloatVector.fromArray(S, shift, i))
            .intoArray(x, at + i);
      }
      for (int i = whole; i < columns; i++) {
        x[at + i] = (x[at + i] - mean) * inverse * scale[i] + shift[i];
      }
    }
  }
}
