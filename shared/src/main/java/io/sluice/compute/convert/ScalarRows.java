package io.sluice.compute.convert;

/** {@link RowKernel} in plain loops. */
final class ScalarRows implements RowKernel {
  @Override
  public int largestMagnitude(float[] values, int n) {
    int largest = 0;
    for (int i = 0; i < n; i++) {
      largest = Math.max(largest, Float.floatToRawIntBits(values[i]) & Integer.MAX_VALUE);
    }
    return largest;
  }

  @Override
  public void scaleToBytes(float[] values, int n, float factor, byte[] to) {
    for (int i = 0; i < n; i++) {
      to[i] = (byte) Float.floatToRawIntBits(values[i] * factor + ROUND);
    }
  }
}
