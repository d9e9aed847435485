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
  public void quantize(
      float[] values, int n, float factor, float scale, byte[] to, StepErrors errors) {
    for (int i = 0; i < n; i++) {
      to[i] = RowKernel.quantize(i, values[i], factor, scale, errors);
    }
  }

  @Override
  public void addErrors(float[] before, float[] after, int n, ErrorLanes lanes) {
    for (int i = 0; i < n; i++) {
      lanes.add(i, before[i], after[i]);
    }
  }
}
