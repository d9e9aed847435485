package io.sluice.compute.kernel;

/** {@link Widen} without vectors. */
final class ScalarWiden implements Widen {
  @Override
  public void halves(short[] from, int at, float[] to, int toAt, int n) {
    for (int i = 0; i < n; i++) {
      to[toAt + i] = Float.float16ToFloat(from[at + i]);
    }
  }

  @Override
  public void bfloats(short[] from, int at, float[] to, int toAt, int n) {
    for (int i = 0; i < n; i++) {
      to[toAt + i] = Float.intBitsToFloat(from[at + i] << 16);
    }
  }

  @Override
  public void bytes(byte[] from, int at, float scale, float[] to, int toAt, int n) {
    for (int i = 0; i < n; i++) {
      to[toAt + i] = from[at + i] * scale;
    }
  }
}
