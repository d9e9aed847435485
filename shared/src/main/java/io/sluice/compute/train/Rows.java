package io.sluice.compute.train;

import io.sluice.compute.kernel.LinearKernel;

/** Rows of a dataset in memory, ready for the kernel. */
final class Rows {
  private final int count;
  private final int features;
  private final float[] x;
  private final int[] labels;
  private final float[] targets;
  private boolean standardized;

  /**
   * @param count number of rows
   * @param features columns of x
   * @param x {@code count} rows of {@link LinearKernel#stride} floats
   * @param labels class of each row; empty if there are none
   * @param targets {@code count} rows of targets; empty if there are none
   */
  Rows(int count, int features, float[] x, int[] labels, float[] targets) {
    this.count = count;
    this.features = features;
    this.x = x;
    this.labels = labels;
    this.targets = targets;
  }

  int count() {
    return count;
  }

  float[] x() {
    return x;
  }

  int[] labels() {
    return labels;
  }

  float[] targets() {
    return targets;
  }

  int stride() {
    return LinearKernel.stride(features);
  }

  /** Standardises the features in place, once. */
  synchronized Rows standardize(Scaling scaling) {
    if (!standardized) {
      scaling.apply(x, count, stride());
      standardized = true;
    }
    return this;
  }

  /** Bytes of memory. */
  long bytes() {
    return 4L * (x.length + labels.length + targets.length);
  }
}
