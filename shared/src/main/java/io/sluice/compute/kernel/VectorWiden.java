package io.sluice.compute.kernel;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** {@link Widen} with vectors. */
final class VectorWiden implements Widen {
  private static final VectorSpecies<Float> FLOATS = Vectors.Floats.SPECIES;
  private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_256;
  private static final VectorSpecies<Short> SHORTS = ShortVector.SPECIES_128;
  private static final VectorSpecies<Byte> BYTES = ByteVector.SPECIES_64;
  private static final int LANES = 8;

  /** Infinity of a half, moved to where a float has its mantissa and exponent. */
  private static final int HALF_INFINITY = 0x7c00 << 13;

  private final ScalarWiden rest = new ScalarWiden();

  /** The exponent is moved by a multiplication, which brings subnormals into order as well. */
  @Override
  public void halves(short[] from, int at, float[] to, int toAt, int n) {
    int whole = n - n % LANES;
    for (int i = 0; i < whole; i += LANES) {
      IntVector bits =
          ShortVector.fromArray(SHORTS, from, at + i)
              .convertShape(VectorOperators.ZERO_EXTEND_S2I, INTS, 0)
              .reinterpretAsInts();
      IntVector magnitude = bits.and(0x7fff).lanewise(VectorOperators.LSHL, 13);
      IntVector sign = bits.and(0x8000).lanewise(VectorOperators.LSHL, 16);
      IntVector scaled = magnitude.reinterpretAsFloats().mul(0x1p112f).reinterpretAsInts();
      IntVector special = magnitude.or(0x7f80_0000);
      scaled
          .blend(special, magnitude.compare(VectorOperators.GE, HALF_INFINITY))
          .or(sign)
          .reinterpretAsFloats()
          .intoArray(to, toAt + i);
    }
    rest.halves(from, at + whole, to, toAt + whole, n - whole);
  }

  @Override
  public void bfloats(short[] from, int at, float[] to, int toAt, int n) {
    int whole = n - n % LANES;
    for (int i = 0; i < whole; i += LANES) {
      ShortVector.fromArray(SHORTS, from, at + i)
          .convertShape(VectorOperators.ZERO_EXTEND_S2I, INTS, 0)
          .reinterpretAsInts()
          .lanewise(VectorOperators.LSHL, 16)
          .reinterpretAsFloats()
          .intoArray(to, toAt + i);
    }
    rest.bfloats(from, at + whole, to, toAt + whole, n - whole);
  }

  @Override
  public void bytes(byte[] from, int at, float scale, float[] to, int toAt, int n) {
    int whole = n - n % LANES;
    for (int i = 0; i < whole; i += LANES) {
      FloatVector values =
          (FloatVector)
              ByteVector.fromArray(BYTES, from, at + i)
                  .convertShape(VectorOperators.B2F, FLOATS, 0);
      values.mul(scale).intoArray(to, toAt + i);
    }
    rest.bytes(from, at + whole, scale, to, toAt + whole, n - whole);
  }
}
