package io.sluice.compute.convert;

import io.sluice.compute.stats.ExactSum;

/** Measures differences row by row. Not thread-safe. */
final class ErrorMeter {
  private static final int INFINITY = 0x7f80_0000;

  private final RowKernel kernel;
  private final ErrorLanes lanes = new ErrorLanes();
  private final ExactSum allErrors = new ExactSum();
  private final ExactSum allSignal = new ExactSum();
  private long count;
  private float max;
  private long overflows;

  ErrorMeter(RowKernel kernel) {
    this.kernel = kernel;
  }

  /**
   * Adds elements of a row, {@value FloatRows#CHUNK} at a time but for the last ones.
   *
   * @param before what they were
   * @param after what they are
   */
  void add(float[] before, float[] after, int n) {
    if (kernel.largestMagnitude(before, n) < INFINITY
        && kernel.largestMagnitude(after, n) < INFINITY) {
      kernel.addErrors(before, after, n, lanes);
      count += n;
      return;
    }
    for (int i = 0; i < n; i++) {
      if (Float.isFinite(before[i]) && Float.isFinite(after[i])) {
        lanes.add(i, before[i], after[i]);
        count++;
      }
    }
  }

  /**
   * Adds a row of bytes.
   *
   * @param exponent of the power of two that its elements were multiplied by
   */
  void add(long elements, StepErrors row, int exponent) {
    count += elements;
    max = Math.max(max, Math.scalb(Float.intBitsToFloat(row.largest), -exponent));
    allErrors.add(Math.scalb(row.errors(), -2 * exponent));
    allSignal.add(Math.scalb(row.signal(), -2 * exponent));
  }

  void overflows(int some) {
    overflows += some;
  }

  /** Ends a row. */
  void endRow() {
    double error = 0;
    double power = 0;
    for (int lane = 0; lane < ErrorLanes.COUNT; lane++) {
      error += lanes.errors[lane];
      power += lanes.signal[lane];
    }
    max = Math.max(max, Float.intBitsToFloat(lanes.largest));
    lanes.clear();
    allErrors.add(error);
    allSignal.add(power);
  }

  ErrorSums sums() {
    return new ErrorSums(count, allErrors.value(), allSignal.value(), max, overflows);
  }
}
