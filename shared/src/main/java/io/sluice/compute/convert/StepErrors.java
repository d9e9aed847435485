package io.sluice.compute.convert;

import java.util.Arrays;

/**
 * Running sums of the errors of a row that is scaled to bytes. As all its elements are of the size
 * of its largest, floats are wide enough for sums of {@value #MOST} of them (rounding is below a
 * millionth), which then are added as doubles. The order of additions is fixed: element {@code i}
 * goes to lane {@code i % LANES} by a fused multiply-add, so vectors of any width give the same
 * bits.
 */
final class StepErrors {
  /** Lanes of each sum. */
  static final int LANES = 32;

  /** Most elements between two calls of {@link #flush}. */
  static final int MOST = 4096;

  /** Sums of squared differences. */
  final float[] errors = new float[LANES];

  /** Sums of squares of what was. */
  final float[] signal = new float[LANES];

  /** Bits of the largest difference, without sign. */
  int largest;

  private final double[] sums = new double[8];
  private double allErrors;
  private double allSignal;

  /** Adds one element. */
  void add(int i, float before, float after) {
    float difference = before - after;
    errors[i % LANES] = Math.fma(difference, difference, errors[i % LANES]);
    signal[i % LANES] = Math.fma(before, before, signal[i % LANES]);
    largest = Math.max(largest, Float.floatToRawIntBits(difference) & Integer.MAX_VALUE);
  }

  /** Takes the sums of lanes to those of the row. */
  void flush() {
    allErrors += sum(errors);
    allSignal += sum(signal);
    Arrays.fill(errors, 0);
    Arrays.fill(signal, 0);
  }

  private double sum(float[] lanes) {
    for (int i = 0; i < 8; i++) {
      sums[i] = ((double) lanes[i] + lanes[i + 8]) + ((double) lanes[i + 16] + lanes[i + 24]);
    }
    return ((sums[0] + sums[4]) + (sums[2] + sums[6]))
        + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
  }

  double errors() {
    return allErrors;
  }

  double signal() {
    return allSignal;
  }

  void clear() {
    Arrays.fill(errors, 0);
    Arrays.fill(signal, 0);
    largest = 0;
    allErrors = 0;
    allSignal = 0;
  }
}
