package io.sluice.compute.convert;

import java.util.Arrays;

/**
 * Running sums of a row's errors. The order of additions is fixed: element {@code i} of a row goes
 * to lane {@code i % COUNT}, so vectors of any width give the same bits. Differences are taken in
 * floats; their squares have 48 bits, so a fused multiply-add gives what two steps do.
 */
final class ErrorLanes {
  /** Lanes of each sum. */
  static final int COUNT = 16;

  /** Sums of squared differences. */
  final double[] errors = new double[COUNT];

  /** Sums of squares of what was. */
  final double[] signal = new double[COUNT];

  /** Bits of the largest difference, without sign. */
  int largest;

  /** Adds one element. */
  void add(int i, float before, float after) {
    float difference = before - after;
    errors[i % COUNT] += (double) difference * difference;
    largest = Math.max(largest, Float.floatToRawIntBits(difference) & Integer.MAX_VALUE);
    signal[i % COUNT] += (double) before * before;
  }

  void clear() {
    Arrays.fill(errors, 0);
    Arrays.fill(signal, 0);
    largest = 0;
  }
}
