package io.sluice.compute.convert;

import io.sluice.compute.stats.ExactSum;

/** Measures differences row by row. Not thread-safe. */
final class ErrorMeter {
  /** Sums that run beside each other; an element's column says which one it goes to. */
  private static final int LANES = 256;

  private static final int INFINITY = 0x7f80_0000;

  private final double[] errors = new double[LANES];
  private final double[] signal = new double[LANES];
  private final double[] largest = new double[LANES];
  private final ExactSum allErrors = new ExactSum();
  private final ExactSum allSignal = new ExactSum();
  private int used;
  private long count;
  private double max;
  private long overflows;

  /**
   * Adds elements of a row, {@value FloatRows#CHUNK} at a time but for the last ones.
   *
   * @param before what they were
   * @param after what they are
   */
  void add(float[] before, float[] after, int n) {
    used = Math.max(used, Math.min(n, LANES));
    int from = 0;
    if (largestMagnitude(before, n) < INFINITY && largestMagnitude(after, n) < INFINITY) {
      for (; from + LANES <= n; from += LANES) {
        addLanes(before, after, from);
      }
      count += from;
    }
    for (int i = from; i < n; i++) {
      addOne(i % LANES, before[i], after[i]);
    }
  }

  private static int largestMagnitude(float[] values, int n) {
    int largest = 0;
    for (int i = 0; i < n; i++) {
      largest = Math.max(largest, Float.floatToRawIntBits(values[i]) & Integer.MAX_VALUE);
    }
    return largest;
  }

  private void addLanes(float[] before, float[] after, int from) {
    for (int lane = 0; lane < LANES; lane++) {
      double was = before[from + lane];
      double difference = was - after[from + lane];
      errors[lane] += difference * difference;
      signal[lane] += was * was;
      largest[lane] = Math.max(largest[lane], Math.abs(difference));
    }
  }

  private void addOne(int lane, float before, float after) {
    double difference = (double) before - after;
    if (difference - difference == 0) { // both are finite
      count++;
      errors[lane] += difference * difference;
      signal[lane] += (double) before * before;
      largest[lane] = Math.max(largest[lane], Math.abs(difference));
    }
  }

  void overflows(int some) {
    overflows += some;
  }

  /** Ends a row. */
  void endRow() {
    double error = 0;
    double power = 0;
    for (int lane = 0; lane < used; lane++) {
      error += errors[lane];
      power += signal[lane];
      max = Math.max(max, largest[lane]);
      errors[lane] = 0;
      signal[lane] = 0;
      largest[lane] = 0;
    }
    used = 0;
    allErrors.add(error);
    allSignal.add(power);
  }

  ErrorSums sums() {
    return new ErrorSums(count, allErrors.value(), allSignal.value(), max, overflows);
  }
}
