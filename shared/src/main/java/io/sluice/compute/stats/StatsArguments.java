package io.sluice.compute.stats;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.compute.ComputeException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/**
 * The arguments of {@code stats}.
 *
 * @param histogram whether elements are counted by powers of two
 * @param quantiles which ones, each from 0 to 1; at most {@value #MAX_QUANTILES}
 */
public record StatsArguments(boolean histogram, List<Double> quantiles) {
  /** Most quantiles of one request. */
  public static final int MAX_QUANTILES = 100;

  public StatsArguments {
    quantiles = List.copyOf(quantiles);
  }

  static StatsArguments read(JsonNode args) {
    boolean histogram = false;
    List<Double> quantiles = new ArrayList<>();
    for (Iterator<String> names = args.fieldNames(); names.hasNext(); ) {
      String name = names.next();
      JsonNode value = args.get(name);
      switch (name) {
        case "histogram" -> {
          if (!value.isBoolean()) {
            throw invalid("'histogram' is true or false, got " + value);
          }
          histogram = value.booleanValue();
        }
        case "quantiles" -> {
          if (!value.isArray() || value.size() > MAX_QUANTILES) {
            throw invalid(
                "'quantiles' is an array of at most " + MAX_QUANTILES + " numbers, got " + value);
          }
          value.forEach(q -> quantiles.add(quantile(q)));
        }
        default -> throw invalid("it takes 'histogram' and 'quantiles', got '" + name + "'");
      }
    }
    return new StatsArguments(histogram, quantiles);
  }

  private static double quantile(JsonNode q) {
    if (!q.isNumber() || !(q.doubleValue() >= 0 && q.doubleValue() <= 1)) {
      throw invalid("a quantile is a number from 0 to 1, got " + q);
    }
    return q.doubleValue() + 0.0; // -0 is 0
  }

  /** Whether elements have to be counted by buckets. */
  boolean counts() {
    return histogram || !quantiles.isEmpty();
  }

  /** A quantile as a field of the answer. */
  static String name(double quantile) {
    return quantile == Math.rint(quantile)
        ? Long.toString((long) quantile)
        : Double.toString(quantile);
  }

  private static ComputeException invalid(String message) {
    return ComputeException.invalidArguments("arguments of 'stats': " + message);
  }
}
