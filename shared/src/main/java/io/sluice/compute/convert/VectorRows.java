package io.sluice.compute.convert;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** {@link RowKernel} with vectors. */
final class VectorRows implements RowKernel {
  private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_256;
  private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_256;
  private static final VectorSpecies<Byte> BYTES = ByteVector.SPECIES_64;
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
}
