package io.sluice.measure;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Arrays;

/**
 * Repeated measurements of one thing: median, quartiles by linear interpolation, extremes.
 *
 * @param median the middle one
 * @param lower the first quartile
 * @param upper the third quartile
 * @param min the smallest
 * @param max the largest
 */
public record Summary(double median, double lower, double upper, double min, double max) {
  /** Sums up at least one measurement. */
  public static Summary of(double... values) {
    if (values.length == 0) {
      throw new IllegalArgumentException("nothing was measured");
    }
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return new Summary(
        quantile(sorted, 0.5),
        quantile(sorted, 0.25),
        quantile(sorted, 0.75),
        sorted[0],
        sorted[sorted.length - 1]);
  }

  private static double quantile(double[] sorted, double p) {
    double at = p * (sorted.length - 1);
    int below = (int) at;
    int above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
  }

  public ObjectNode toJson() {
    return JsonNodeFactory.instance
        .objectNode()
        .put("median", median)
        .put("lower", lower)
        .put("upper", upper)
        .put("min", min)
        .put("max", max);
  }
}
