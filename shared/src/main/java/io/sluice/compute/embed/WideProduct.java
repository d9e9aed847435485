package io.sluice.compute.embed;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * Products with vectors of 512 bits, for processors that have them: two panels at once. Every
 * element of a product is the same sum in the same order as with 256 bits, so its bits are too.
 *
 * <p>Not in native executables, where the width is fixed when they are built.
 */
final class WideProduct {
  private static final VectorSpecies<Float> S = FloatVector.SPECIES_512;
  private static final int WIDTH = PackedMatrix.WIDTH;

  private WideProduct() {}

  /** Whether this process runs as Java on a processor with such vectors. */
  static boolean available() {
    return System.getProperty("org.graalvm.nativeimage.imagecode") == null
        && VectorShape.preferredShape().vectorBitSize() >= 512;
  }

  /**
   * Adds A times two panels to two neighbouring panels of C.
   *
   * @param next floats from a panel to the next
   */
  static void panels(
      float[] a,
      int ao,
      int as,
      int top,
      int bottom,
      float[] b,
      int bo,
      int next,
      int k,
      float[] c,
      int co,
      int cs) {
    int row = top;
    for (; row + 8 <= bottom; row += 8) {
      eight(a, ao + row * as, as, b, bo, next, k, c, co + row * cs, cs);
    }
    for (; row + 4 <= bottom; row += 4) {
      four(a, ao + row * as, as, b, bo, next, k, c, co + row * cs, cs);
    }
    for (; row < bottom; row++) {
      one(a, ao + row * as, b, bo, next, k, c, co + row * cs);
    }
  }

  private static void eight(
      float[] a, int a0, int as, float[] b, int bo, int next, int k, float[] c, int c0, int cs) {
    int a1 = a0 + as;
    int a2 = a1 + as;
    int a3 = a2 + as;
    int a4 = a3 + as;
    int a5 = a4 + as;
    int a6 = a5 + as;
    int a7 = a6 + as;
    int c1 = c0 + cs;
    int c2 = c1 + cs;
    int c3 = c2 + cs;
    int c4 = c3 + cs;
    int c5 = c4 + cs;
    int c6 = c5 + cs;
    int c7 = c6 + cs;
    FloatVector s00 = FloatVector.fromArray(S, c, c0);
    FloatVector s01 = FloatVector.fromArray(S, c, c0 + WIDTH);
    FloatVector s10 = FloatVector.fromArray(S, c, c1);
    FloatVector s11 = FloatVector.fromArray(S, c, c1 + WIDTH);
    FloatVector s20 = FloatVector.fromArray(S, c, c2);
    FloatVector s21 = FloatVector.fromArray(S, c, c2 + WIDTH);
    FloatVector s30 = FloatVector.fromArray(S, c, c3);
    FloatVector s31 = FloatVector.fromArray(S, c, c3 + WIDTH);
    FloatVector s40 = FloatVector.fromArray(S, c, c4);
    FloatVector s41 = FloatVector.fromArray(S, c, c4 + WIDTH);
    FloatVector s50 = FloatVector.fromArray(S, c, c5);
    FloatVector s51 = FloatVector.fromArray(S, c, c5 + WIDTH);
    FloatVector s60 = FloatVector.fromArray(S, c, c6);
    FloatVector s61 = FloatVector.fromArray(S, c, c6 + WIDTH);
    FloatVector s70 = FloatVector.fromArray(S, c, c7);
    FloatVector s71 = FloatVector.fromArray(S, c, c7 + WIDTH);
    for (int i = 0; i < k; i++) {
      FloatVector left = FloatVector.fromArray(S, b, bo + i * WIDTH);
      FloatVector right = FloatVector.fromArray(S, b, bo + next + i * WIDTH);
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
      x = FloatVector.broadcast(S, a[a6 + i]);
      s60 = x.fma(left, s60);
      s61 = x.fma(right, s61);
      x = FloatVector.broadcast(S, a[a7 + i]);
      s70 = x.fma(left, s70);
      s71 = x.fma(right, s71);
    }
    s00.intoArray(c, c0);
    s01.intoArray(c, c0 + WIDTH);
    s10.intoArray(c, c1);
    s11.intoArray(c, c1 + WIDTH);
    s20.intoArray(c, c2);
    s21.intoArray(c, c2 + WIDTH);
    s30.intoArray(c, c3);
    s31.intoArray(c, c3 + WIDTH);
    s40.intoArray(c, c4);
    s41.intoArray(c, c4 + WIDTH);
    s50.intoArray(c, c5);
    s51.intoArray(c, c5 + WIDTH);
    s60.intoArray(c, c6);
    s61.intoArray(c, c6 + WIDTH);
    s70.intoArray(c, c7);
    s71.intoArray(c, c7 + WIDTH);
  }

  private static void four(
      float[] a, int a0, int as, float[] b, int bo, int next, int k, float[] c, int c0, int cs) {
    int a1 = a0 + as;
    int a2 = a1 + as;
    int a3 = a2 + as;
    int c1 = c0 + cs;
    int c2 = c1 + cs;
    int c3 = c2 + cs;
    FloatVector s00 = FloatVector.fromArray(S, c, c0);
    FloatVector s01 = FloatVector.fromArray(S, c, c0 + WIDTH);
    FloatVector s10 = FloatVector.fromArray(S, c, c1);
    FloatVector s11 = FloatVector.fromArray(S, c, c1 + WIDTH);
    FloatVector s20 = FloatVector.fromArray(S, c, c2);
    FloatVector s21 = FloatVector.fromArray(S, c, c2 + WIDTH);
    FloatVector s30 = FloatVector.fromArray(S, c, c3);
    FloatVector s31 = FloatVector.fromArray(S, c, c3 + WIDTH);
    for (int i = 0; i < k; i++) {
      FloatVector left = FloatVector.fromArray(S, b, bo + i * WIDTH);
      FloatVector right = FloatVector.fromArray(S, b, bo + next + i * WIDTH);
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
    s01.intoArray(c, c0 + WIDTH);
    s10.intoArray(c, c1);
    s11.intoArray(c, c1 + WIDTH);
    s20.intoArray(c, c2);
    s21.intoArray(c, c2 + WIDTH);
    s30.intoArray(c, c3);
    s31.intoArray(c, c3 + WIDTH);
  }

  private static void one(
      float[] a, int a0, float[] b, int bo, int next, int k, float[] c, int c0) {
    FloatVector s00 = FloatVector.fromArray(S, c, c0);
    FloatVector s01 = FloatVector.fromArray(S, c, c0 + WIDTH);
    for (int i = 0; i < k; i++) {
      FloatVector left = FloatVector.fromArray(S, b, bo + i * WIDTH);
      FloatVector right = FloatVector.fromArray(S, b, bo + next + i * WIDTH);
      FloatVector x = FloatVector.broadcast(S, a[a0 + i]);
      s00 = x.fma(left, s00);
      s01 = x.fma(right, s01);
    }
    s00.intoArray(c, c0);
    s01.intoArray(c, c0 + WIDTH);
  }
}
