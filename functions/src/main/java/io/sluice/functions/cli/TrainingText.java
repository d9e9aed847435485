package io.sluice.functions.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.PrintWriter;
import java.util.Locale;

/** Results of {@code train} and {@code predict} in words. */
final class TrainingText {
  /** Predictions that are shown. */
  private static final int SHOWN = 20;

  /** Classes of a matrix that still fits a terminal. */
  private static final int MATRIX = 20;

  private TrainingText() {}

  /** A training. */
  static void train(JsonNode result, double seconds, PrintWriter out) {
    JsonNode epochs = result.path("epochs");
    JsonNode last = epochs.path(epochs.size() - 1);
    out.printf(
        Locale.ROOT,
        "%s of %d rows of %d features to %d outputs, %d epochs of %d steps, %.0f rows/s%n",
        result.path("task").asText(),
        result.path("rows").asLong(),
        result.path("features").asInt(),
        result.path("outputs").asInt(),
        epochs.size(),
        result.path("steps").asInt(),
        result.path("rows").asLong() * epochs.size() / Math.max(seconds, 1e-3));
    out.printf(Locale.ROOT, "loss %.5f", last.path("loss").asDouble());
    if (last.has("accuracy")) {
      out.printf(Locale.ROOT, ", accuracy %.4f", last.path("accuracy").asDouble());
    }
    out.printf(
        "%n%s:%s  %s%n",
        result.path("model").asText(),
        result.path("tag").asText(),
        result.path("version").asText());
  }

  /** Predictions. */
  static void predict(JsonNode result, PrintWriter out) {
    JsonNode metrics = result.path("metrics");
    if (metrics.has("accuracy")) {
      out.printf(
          Locale.ROOT,
          "%d rows: accuracy %.4f, loss %.5f%n",
          metrics.path("rows").asLong(),
          metrics.path("accuracy").asDouble(),
          metrics.path("loss").asDouble());
      matrix(metrics.path("confusion"), out);
    } else if (metrics.has("meanSquaredError")) {
      out.printf(
          Locale.ROOT,
          "%d rows: mean squared error %.6g, R2 %.5f%n",
          metrics.path("rows").asLong(),
          metrics.path("meanSquaredError").asDouble(),
          metrics.path("r2").asDouble());
    }
    JsonNode output = result.path("output");
    if (output.isObject()) {
      out.printf(
          "stored as %s:%s  %s%n",
          output.path("model").asText(),
          output.path("tag").asText(),
          output.path("version").asText());
    } else if (result.has("omitted")) {
      out.println(result.path("omitted").asText());
    } else {
      list("classes", result, out);
      list("targets", result, out);
    }
  }

  private static void list(String field, JsonNode result, PrintWriter out) {
    JsonNode all = result.path(field);
    if (all.isArray()) {
      StringBuilder line = new StringBuilder(field);
      for (int i = 0; i < Math.min(SHOWN, all.size()); i++) {
        line.append(' ').append(all.get(i));
      }
      out.println(all.size() > SHOWN ? line + " …" : line);
    }
  }

  /** Rows are the true classes. */
  private static void matrix(JsonNode confusion, PrintWriter out) {
    if (!confusion.isArray() || confusion.isEmpty() || confusion.size() > MATRIX) {
      return;
    }
    int columns = confusion.get(0).size();
    Object[] head = new Object[columns + 1];
    String[] names = new String[columns + 1];
    names[0] = "TRUE";
    for (int j = 0; j < columns; j++) {
      names[j + 1] = "AS " + j;
    }
    Table table = new Table(names);
    for (int i = 0; i < confusion.size(); i++) {
      head[0] = i;
      for (int j = 0; j < columns; j++) {
        head[j + 1] = confusion.get(i).get(j).asLong();
      }
      table.row(head.clone());
    }
    table.print(out);
  }
}
