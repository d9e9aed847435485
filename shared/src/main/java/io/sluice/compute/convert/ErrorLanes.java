package io.sluice.compute.convert;

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
}
