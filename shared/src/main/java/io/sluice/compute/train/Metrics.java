package io.sluice.compute.train;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Map;
import java.util.TreeMap;

/**
 * How good predictions are: of classes the number of right ones, their cross entropy and the
 * confusion matrix; of targets squared errors. Those of two partitions can be added; sums of
 * doubles are added in order of the partitions.
 */
final class Metrics {
  /** Most classes of which the answer has a matrix. */
  static final int MAX_MATRIX = 1000;

  /** The least probability: that of the smallest float. */
  private static final double LEAST = Float.MIN_VALUE;

  private final Objective objective;
  private final Layout layout;
  private final TreeMap<Long, Long> confusion = new TreeMap<>();
  private long rows;
  private double loss;
  private final double[] sums;
  private final double[] squares;
  private final double[] errors;

  Metrics(Objective objective, Layout layout) {
    this.objective = objective;
    this.layout = layout;
    int targets = objective == Objective.LINEAR ? layout.outputs() : 0;
    this.sums = new double[targets];
    this.squares = new double[targets];
    this.errors = new double[targets];
  }

  /** Counts a row of probabilities. */
  void addClass(float[] probabilities, int at, int predicted, int label) {
    rows++;
    confusion.merge((long) label << 32 | predicted, 1L, Long::sum);
    double p = label < layout.outputs() ? probabilities[at + label] : 0;
    loss -= StrictMath.log(Math.max(p, LEAST));
  }

  /** Counts a row of predicted targets. */
  void addTargets(float[] predicted, int at, float[] targets, int row) {
    rows++;
    for (int j = 0; j < sums.length; j++) {
      double target = targets[row * sums.length + j];
      double error = predicted[at + j] - target;
      sums[j] += target;
      squares[j] += target * target;
      errors[j] += error * error;
    }
  }

  void add(Metrics next) {
    rows += next.rows;
    loss += next.loss;
    next.confusion.forEach((pair, n) -> confusion.merge(pair, n, Long::sum));
    for (int j = 0; j < sums.length; j++) {
      sums[j] += next.sums[j];
      squares[j] += next.squares[j];
      errors[j] += next.errors[j];
    }
  }

  ObjectNode toJson() {
    ObjectNode json = JsonNodeFactory.instance.objectNode().put("rows", rows).put("loss", loss);
    ArrayNode pairs = json.putArray("confusion");
    confusion.forEach((pair, n) -> pairs.add(pair).add(n));
    put(json, "sums", sums);
    put(json, "squares", squares);
    put(json, "errors", errors);
    return json;
  }

  private static void put(ObjectNode json, String field, double[] values) {
    ArrayNode array = json.putArray(field);
    for (double value : values) {
      array.add(value);
    }
  }

  /** Adds what {@link #toJson} wrote. */
  void add(JsonNode json) {
    Metrics next = new Metrics(objective, layout);
    next.rows = json.get("rows").longValue();
    next.loss = json.get("loss").doubleValue();
    JsonNode pairs = json.get("confusion");
    for (int i = 0; i < pairs.size(); i += 2) {
      next.confusion.put(pairs.get(i).longValue(), pairs.get(i + 1).longValue());
    }
    for (int j = 0; j < sums.length; j++) {
      next.sums[j] = json.get("sums").get(j).doubleValue();
      next.squares[j] = json.get("squares").get(j).doubleValue();
      next.errors[j] = json.get("errors").get(j).doubleValue();
    }
    add(next);
  }

  /** For people. */
  ObjectNode answer() {
    ObjectNode json = JsonNodeFactory.instance.objectNode().put("rows", rows);
    if (objective == Objective.SOFTMAX) {
      classes(json);
    } else {
      targets(json);
    }
    return json;
  }

  private void classes(ObjectNode json) {
    long right = 0;
    int classes = layout.outputs();
    for (Map.Entry<Long, Long> entry : confusion.entrySet()) {
      int label = (int) (entry.getKey() >>> 32);
      classes = Math.max(classes, label + 1);
      right += label == entry.getKey().intValue() ? entry.getValue() : 0;
    }
    json.put("accuracy", (double) right / rows).put("loss", loss / rows);
    if (classes > MAX_MATRIX) {
      return;
    }
    long[][] matrix = new long[classes][layout.outputs()];
    confusion.forEach((pair, n) -> matrix[(int) (pair >>> 32)][pair.intValue()] = n);
    ArrayNode lines = json.putArray("confusion");
    for (long[] counts : matrix) {
      ArrayNode line = lines.addArray();
      for (long n : counts) {
        line.add(n);
      }
    }
  }

  private void targets(ObjectNode json) {
    double error = 0;
    double explained = 0;
    for (int j = 0; j < sums.length; j++) {
      error += errors[j];
      double spread = squares[j] - sums[j] * sums[j] / rows;
      explained += spread > 0 ? 1 - errors[j] / spread : 0;
    }
    json.put("meanSquaredError", error / rows / sums.length).put("r2", explained / sums.length);
  }
}
