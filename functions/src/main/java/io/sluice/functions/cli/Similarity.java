package io.sluice.functions.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** How like each other texts are: the cosines of their vectors. */
final class Similarity {
  private static final int SHOWN = 48;

  private Similarity() {}

  /** The cosine of the angle between two vectors. */
  static double cosine(JsonNode a, JsonNode b) {
    double dot = 0;
    double aa = 0;
    double bb = 0;
    for (int i = 0; i < a.size(); i++) {
      double x = a.get(i).doubleValue();
      double y = b.get(i).doubleValue();
      dot += x * y;
      aa += x * x;
      bb += y * y;
    }
    return dot / Math.sqrt(aa * bb);
  }

  /** A table of all pairs. */
  static void print(List<String> texts, JsonNode vectors, PrintWriter out) {
    List<Object> head = new ArrayList<>(List.of("", "TEXT"));
    for (int i = 1; i <= texts.size(); i++) {
      head.add(Integer.toString(i));
    }
    Table table = new Table(head.toArray(String[]::new));
    for (int i = 0; i < texts.size(); i++) {
      List<Object> row = new ArrayList<>();
      row.add(i + 1);
      row.add(ResultText.shorten(texts.get(i).replaceAll("\\s+", " "), SHOWN));
      for (int j = 0; j < texts.size(); j++) {
        double cosine = cosine(vectors.get(i), vectors.get(j));
        row.add(new Table.Right(String.format(Locale.ROOT, "%.2f", cosine)));
      }
      table.row(row.toArray());
    }
    table.print(out);
  }

  /** Which worker executed what, in the order of the layers. */
  static String way(JsonNode workers) {
    Map<Integer, String> parts = new TreeMap<>();
    for (JsonNode worker : workers) {
      String id = worker.path("id").asText();
      if (worker.path("embeddings").asBoolean()) {
        parts.put(-1, id);
      }
      worker.path("layers").forEach(layer -> parts.putIfAbsent(layer.asInt(), id));
    }
    StringBuilder text = new StringBuilder();
    parts.forEach(
        (part, id) ->
            text.append(text.isEmpty() ? "" : ", ")
                .append(part < 0 ? "embeddings" : "layer " + part)
                .append(" on ")
                .append(id));
    return text.toString();
  }
}
