package io.sluice.compute.kernel;

/** Floats of 16 bits to floats, exactly. */
interface Widen {
  /** The kernels for this process. */
  static Widen forThisProcess() {
    return Vectors.available() ? new VectorWiden() : new ScalarWiden();
  }

  /** IEEE 754 halves to floats; a NaN stays a NaN. */
  void halves(short[] from, int at, float[] to, int toAt, int n);

  /** bfloat16 to floats. */
  void bfloats(short[] from, int at, float[] to, int toAt, int n);

  /** {@code from * scale}, rounded once. */
  void bytes(byte[] from, int at, float scale, float[] to, int toAt, int n);
}
