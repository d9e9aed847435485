package io.sluice.compute.train;

import io.sluice.compute.ComputeException;
import io.sluice.compute.kernel.LinearKernel;

/**
 * The shape of a linear model: {@code outputs} rows of {@code features} weights and a bias each.
 *
 * @param features at most {@value #MAX_FEATURES}
 * @param outputs classes or targets, at most {@value #MAX_OUTPUTS}
 */
record Layout(int features, int outputs) {
  /** Most features: their exact sums take 32 MiB. */
  static final int MAX_FEATURES = 1 << 17;

  static final int MAX_OUTPUTS = 1 << 16;

  /** Most weights, padding included: a gradient of doubles takes 32 MiB. */
  static final int MAX_WEIGHTS = 1 << 22;

  Layout {
    if (features < 1 || features > MAX_FEATURES) {
      throw ComputeException.refused(
          "a linear model has 1 to " + MAX_FEATURES + " features, got " + features);
    }
    if (outputs < 1 || outputs > MAX_OUTPUTS) {
      throw ComputeException.refused(
          "a linear model has 1 to " + MAX_OUTPUTS + " outputs, got " + outputs);
    }
    if ((long) outputs * LinearKernel.stride(features) > MAX_WEIGHTS) {
      throw ComputeException.refused(
          features
              + " features and "
              + outputs
              + " outputs make more weights than the "
              + MAX_WEIGHTS
              + " that can be trained");
    }
  }

  /** Floats of a row of weights in memory. */
  int stride() {
    return LinearKernel.stride(features);
  }

  /** Floats of the weights in memory, padding included. */
  int weights() {
    return outputs * stride();
  }

  /** Weights and biases in memory. */
  int parameters() {
    return weights() + outputs;
  }
}
