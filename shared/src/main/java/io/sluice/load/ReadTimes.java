package io.sluice.load;

import java.util.Arrays;

/** How long the last requests took, to know which one is slow. Thread-safe. */
final class ReadTimes {
  private static final int KEPT = 128;
  private static final int ENOUGH = 8;
  private static final double QUANTILE = 0.95;

  /** A slow request takes at least this much longer than the quantile. */
  private static final double FACTOR = 1.5;

  private final long[] nanos = new long[KEPT];
  private long count;

  synchronized void add(long taken) {
    nanos[(int) (count++ % KEPT)] = taken;
  }

  /** After how many nanoseconds a request is slow; never if too few are known to tell. */
  synchronized long slow() {
    if (count < ENOUGH) {
      return Long.MAX_VALUE;
    }
    long[] sorted = Arrays.copyOf(nanos, (int) Math.min(count, KEPT));
    Arrays.sort(sorted);
    return (long) (FACTOR * sorted[(int) (QUANTILE * (sorted.length - 1))]);
  }
}
