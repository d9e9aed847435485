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

  @Override
  public void addErrors(float[] before, float[] after, int n, ErrorLanes lanes) {
    int end = n - n % ErrorLanes.COUNT;
    DoubleVector e0 = DoubleVector.fromArray(DOUBLES, lanes.errors, 0);
    DoubleVector e1 = DoubleVector.fromArray(DOUBLES, lanes.errors, 4);
    DoubleVector e2 = DoubleVector.fromArray(DOUBLES, lanes.errors, 8);
    DoubleVector e3 = DoubleVector.fromArray(DOUBLES, lanes.errors, 12);
    DoubleVector s0 = DoubleVector.fromArray(DOUBLES, lanes.signal, 0);
    DoubleVector s1 = DoubleVector.fromArray(DOUBLES, lanes.signal, 4);
    DoubleVector s2 = DoubleVector.fromArray(DOUBLES, lanes.signal, 8);
    DoubleVector s3 = DoubleVector.fromArray(DOUBLES, lanes.signal, 12);
    IntVector largest = IntVector.zero(IntVector.SPECIES_128);
    for (int i = 0; i < end; i += ErrorLanes.COUNT) {
      FloatVector x0 = FloatVector.fromArray(HALVES, before, i);
      FloatVector x1 = FloatVector.fromArray(HALVES, before, i + 4);
      FloatVector x2 = FloatVector.fromArray(HALVES, before, i + 8);
      FloatVector x3 = FloatVector.fromArray(HALVES, before, i + 12);
      FloatVector d0 = x0.sub(FloatVector.fromArray(HALVES, after, i));
      FloatVector d1 = x1.sub(FloatVector.fromArray(HALVES, after, i + 4));
      FloatVector d2 = x2.sub(FloatVector.fromArray(HALVES, after, i + 8));
      FloatVector d3 = x3.sub(FloatVector.fromArray(HALVES, after, i + 12));
      largest = largest.max(d0.reinterpretAsInts().and(Integer.MAX_VALUE));
      largest = largest.max(d1.reinterpretAsInts().and(Integer.MAX_VALUE));
      largest = largest.max(d2.reinterpretAsInts().and(Integer.MAX_VALUE));
      largest = largest.max(d3.reinterpretAsInts().and(Integer.MAX_VALUE));
      e0 = plusSquare(e0, d0);
      e1 = plusSquare(e1, d1);
      e2 = plusSquare(e2, d2);
      e3 = plusSquare(e3, d3);
      s0 = plusSquare(s0, x0);
      s1 = plusSquare(s1, x1);
      s2 = plusSquare(s2, x2);
      s3 = plusSquare(s3, x3);
    }
    e0.intoArray(lanes.errors, 0);
    e1.intoArray(lanes.errors, 4);
    e2.intoArray(lanes.errors, 8);
    e3.intoArray(lanes.errors, 12);
    s0.intoArray(lanes.signal, 0);
    s1.intoArray(lanes.signal, 4);
    s2.intoArray(lanes.signal, 8);
    s3.intoArray(lanes.signal, 12);
    lanes.largest = Math.max(lanes.largest, largest.reduceLanes(VectorOperators.MAX));
    for (int i = end; i < n; i++) {
      ScalarRows.addError(i, before[i], after[i], lanes);
    }
  }

  private static DoubleVector plusSquare(DoubleVector sum, FloatVector values) {
    DoubleVector wide = (DoubleVector) values.convertShape(VectorOperators.F2D, DOUBLES, 0);
    return wide.fma(wide, sum);
  }
}
