package io.sluice.compute.convert;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** {@link RowKernel} with vectors. */
final class VectorRows implements RowKernel {
  private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_256;
  private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_256;
  private static final VectorSpecies<Byte> BYTES = ByteVector.SPECIES_64;
  private static final VectorSpecies<Float> HALVES = FloatVector.SPECIES_128;
  private static final VectorSpecies<Double> DOUBLES = DoubleVector.SPECIES_256;
  private static final int STEP = 32;

  @Override
  public int largestMagnitude(float[] values, int n) {
    IntVector a = IntVector.zero(INTS);
    IntVector b = a;
    IntVector c = a;
    IntVector d = a;
    int end = n - n % STEP;
    for (int i = 0; i < end; i += STEP) {
      a = a.max(magnitude(values, i));
      b = b.max(magnitude(values, i + 8));
      c = c.max(magnitude(values, i + 16));
      d = d.max(magnitude(values, i + 24));
    }
    int largest = a.max(b).max(c.max(d)).reduceLanes(VectorOperators.MAX);
    for (int i = end; i < n; i++) {
      largest = Math.max(largest, Float.floatToRawIntBits(values[i]) & Integer.MAX_VALUE);
    }
    return largest;
  }

  private static IntVector magnitude(float[] values, int at) {
    return FloatVector.fromArray(FLOATS, values, at).reinterpretAsInts().and(Integer.MAX_VALUE);
  }

  @Override
  public void scaleToBytes(float[] values, int n, float factor, byte[] to) {
    int end = n - n % STEP;
    for (int i = 0; i < end; i += STEP) {
      scaled(values, i, factor).intoArray(to, i);
      scaled(values, i + 8, factor).intoArray(to, i + 8);
      scaled(values, i + 16, factor).intoArray(to, i + 16);
      scaled(values, i + 24, factor).intoArray(to, i + 24);
    }
    for (int i = end; i < n; i++) {
      to[i] = (byte) Float.floatToRawIntBits(values[i] * factor + ROUND);
    }
  }

  private static ByteVector scaled(float[] values, int at, float factor) {
    return (ByteVector)
        FloatVector.fromArray(FLOATS, values, at)
            .mul(factor)
            .add(ROUND)
            .reinterpretAsInts()
            .convertShape(VectorOperators.I2B, BYTES, 0);
  }

  @Override
  public void scaleToFloats(byte[] bytes, int n, float scale, float[] to) {
    int end = n - n % 8;
    for (int i = 0; i < end; i += 8) {
      FloatVector values =
          (FloatVector)
              ByteVector.fromArray(BYTES, bytes, i).convertShape(VectorOperators.B2F, FLOATS, 0);
      values.mul(scale).intoArray(to, i);
    }
    for (int i = end; i < n; i++) {
      to[i] = bytes[i] * scale;
    }
  }

  // Short loops: with all of it in one, JDK 25 leaves some of the vectors as objects.
  @Override
  public void addErrors(float[] before, float[] after, int n, ErrorLanes lanes) {
    int end = n - n % ErrorLanes.COUNT;
    addSquares(before, end, lanes.signal);
    lanes.largest = Math.max(lanes.largest, subtract(before, after, end));
    addSquares(after, end, lanes.errors);
    for (int i = end; i < n; i++) {
      lanes.add(i, before[i], after[i]);
    }
  }

  private static void addSquares(float[] values, int n, double[] lanes) {
    DoubleVector s0 = DoubleVector.fromArray(DOUBLES, lanes, 0);
    DoubleVector s1 = DoubleVector.fromArray(DOUBLES, lanes, 4);
    DoubleVector s2 = DoubleVector.fromArray(DOUBLES, lanes, 8);
    DoubleVector s3 = DoubleVector.fromArray(DOUBLES, lanes, 12);
    for (int i = 0; i < n; i += ErrorLanes.COUNT) {
      DoubleVector x0 = wide(FloatVector.fromArray(HALVES, values, i));
      DoubleVector x1 = wide(FloatVector.fromArray(HALVES, values, i + 4));
      DoubleVector x2 = wide(FloatVector.fromArray(HALVES, values, i + 8));
      DoubleVector x3 = wide(FloatVector.fromArray(HALVES, values, i + 12));
      s0 = x0.fma(x0, s0);
      s1 = x1.fma(x1, s1);
      s2 = x2.fma(x2, s2);
      s3 = x3.fma(x3, s3);
    }
    s0.intoArray(lanes, 0);
    s1.intoArray(lanes, 4);
    s2.intoArray(lanes, 8);
    s3.intoArray(lanes, 12);
  }

  /** {@code after[i] = before[i] - after[i]}; returns the bits of the largest magnitude. */
  private static int subtract(float[] before, float[] after, int n) {
    IntVector a = IntVector.zero(INTS);
    IntVector b = a;
    for (int i = 0; i < n; i += ErrorLanes.COUNT) {
      FloatVector x = FloatVector.fromArray(FLOATS, before, i);
      FloatVector y = FloatVector.fromArray(FLOATS, before, i + 8);
      x = x.sub(FloatVector.fromArray(FLOATS, after, i));
      y = y.sub(FloatVector.fromArray(FLOATS, after, i + 8));
      x.intoArray(after, i);
      y.intoArray(after, i + 8);
      a = a.max(x.reinterpretAsInts().and(Integer.MAX_VALUE));
      b = b.max(y.reinterpretAsInts().and(Integer.MAX_VALUE));
    }
    return a.max(b).reduceLanes(VectorOperators.MAX);
  }

  private static DoubleVector wide(FloatVector values) {
    return (DoubleVector) values.convertShape(VectorOperators.F2D, DOUBLES, 0);
  }
}
