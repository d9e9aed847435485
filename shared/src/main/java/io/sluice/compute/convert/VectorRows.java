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

  /** No constant, which the compiler would load again for each vector. */
  private float round = ROUND;

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
  public void quantize(
      float[] values, int n, float factor, float scale, byte[] to, StepErrors errors) {
    int end = n - n % StepErrors.LANES;
    scaleToBytes(values, end, factor, round, to);
    addSquares(values, end, errors.signal);
    int largest = addErrors(values, end, factor, scale, round, errors.errors);
    errors.largest = Math.max(errors.largest, largest);
    for (int i = end; i < n; i++) {
      to[i] = RowKernel.quantize(i, values[i], factor, scale, errors);
    }
  }

  // Short loops: with all of it in one, JDK 25 leaves some of the vectors as objects.
  private static void scaleToBytes(float[] values, int n, float factor, float round, byte[] to) {
    for (int i = 0; i < n; i += StepErrors.LANES) {
      bytes(values, i, factor, round).intoArray(to, i);
      bytes(values, i + 8, factor, round).intoArray(to, i + 8);
      bytes(values, i + 16, factor, round).intoArray(to, i + 16);
      bytes(values, i + 24, factor, round).intoArray(to, i + 24);
    }
  }

  private static ByteVector bytes(float[] values, int at, float factor, float round) {
    return (ByteVector)
        FloatVector.fromArray(FLOATS, values, at)
            .mul(factor)
            .add(round)
            .reinterpretAsInts()
            .convertShape(VectorOperators.I2B, BYTES, 0);
  }

  private static void addSquares(float[] values, int n, float[] lanes) {
    FloatVector s0 = FloatVector.zero(FLOATS);
    FloatVector s1 = s0;
    FloatVector s2 = s0;
    FloatVector s3 = s0;
    for (int i = 0; i < n; i += StepErrors.LANES) {
      FloatVector x0 = FloatVector.fromArray(FLOATS, values, i);
      FloatVector x1 = FloatVector.fromArray(FLOATS, values, i + 8);
      FloatVector x2 = FloatVector.fromArray(FLOATS, values, i + 16);
      FloatVector x3 = FloatVector.fromArray(FLOATS, values, i + 24);
      s0 = x0.fma(x0, s0);
      s1 = x1.fma(x1, s1);
      s2 = x2.fma(x2, s2);
      s3 = x3.fma(x3, s3);
    }
    s0.intoArray(lanes, 0);
    s1.intoArray(lanes, 8);
    s2.intoArray(lanes, 16);
    s3.intoArray(lanes, 24);
  }

  private static FloatVector difference(
      float[] values, int at, float factor, float scale, float round) {
    FloatVector x = FloatVector.fromArray(FLOATS, values, at);
    return x.sub(x.mul(factor).add(round).sub(round).mul(scale));
  }

  private static int addErrors(
      float[] values, int n, float factor, float scale, float round, float[] lanes) {
    FloatVector e0 = FloatVector.zero(FLOATS);
    FloatVector e1 = e0;
    FloatVector e2 = e0;
    FloatVector e3 = e0;
    IntVector a = IntVector.zero(INTS);
    IntVector b = a;
    for (int i = 0; i < n; i += StepErrors.LANES) {
      FloatVector d0 = difference(values, i, factor, scale, round);
      FloatVector d1 = difference(values, i + 8, factor, scale, round);
      FloatVector d2 = difference(values, i + 16, factor, scale, round);
      FloatVector d3 = difference(values, i + 24, factor, scale, round);
      e0 = d0.fma(d0, e0);
      e1 = d1.fma(d1, e1);
      e2 = d2.fma(d2, e2);
      e3 = d3.fma(d3, e3);
      a = a.max(d0.reinterpretAsInts().and(Integer.MAX_VALUE));
      b = b.max(d1.reinterpretAsInts().and(Integer.MAX_VALUE));
      a = a.max(d2.reinterpretAsInts().and(Integer.MAX_VALUE));
      b = b.max(d3.reinterpretAsInts().and(Integer.MAX_VALUE));
    }
    e0.intoArray(lanes, 0);
    e1.intoArray(lanes, 8);
    e2.intoArray(lanes, 16);
    e3.intoArray(lanes, 24);
    return a.max(b).reduceLanes(VectorOperators.MAX);
  }

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
