package io.sluice.bench.report;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.ToDoubleFunction;

/** Bars of speed and CPU of a load, and the line of a fan-out, as an SVG. */
final class Chart {
  private static final int WIDTH = 960;
  private static final int HEIGHT = 330;
  private static final String STYLE =
      """
          .bg { fill: #ffffff }
          text { fill: #1f2328; font-family: -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; font-size: 13px }
          .t { font-weight: 600; font-size: 15px }
          .s { fill: #57606a; font-size: 12px }
          .e { text-anchor: end } .m { text-anchor: middle }
          .raw { fill: #8c959f } .own { fill: #0969da } .peer { fill: #d4a72c }
          .spread { stroke: #1f2328; stroke-width: 1.5 }
          .axis { stroke: #8c959f; stroke-width: 1; fill: none }
          .ideal { stroke: #8c959f; stroke-width: 1.5; stroke-dasharray: 5 4; fill: none }
          .line { stroke: #0969da; stroke-width: 2.5; fill: none }
          @media (prefers-color-scheme: dark) {
            .bg { fill: #0d1117 }
            text { fill: #e6edf3 } .s { fill: #9ba4ae }
            .raw { fill: #6e7681 } .own { fill: #58a6ff }
            .spread { stroke: #e6edf3 } .line { stroke: #58a6ff }
          }
      """;

  private final StringBuilder svg = new StringBuilder();

  private Chart() {}

  static String draw(Optional<JsonNode> load, Optional<JsonNode> fanout) {
    Chart chart = new Chart();
    chart.add(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\""
            + " role=\"img\" aria-labelledby=\"title desc\">",
        WIDTH, HEIGHT, WIDTH, HEIGHT);
    chart.add("<title id=\"title\">Measured loads</title>");
    chart.add(
        "<desc id=\"desc\">Speed and CPU of a load by raw sockets, Sluice and the clients of the AWS"
            + " SDK; throughput of 1 to 16 workers.</desc>");
    chart.svg.append("<style>\n").append(STYLE).append("</style>\n");
    chart.add("<rect class=\"bg\" width=\"%d\" height=\"%d\" rx=\"8\"/>", WIDTH, HEIGHT);
    load.ifPresent(
        json -> {
          chart.bars(json, 20, "Load, GB/s", "more is better", "gigabytesPerSecond");
          chart.bars(json, 340, "CPU seconds per GiB", "less is better", "cpuSecondsPerGib");
        });
    fanout.ifPresent(chart::line);
    chart.add("</svg>");
    return chart.svg.toString();
  }

  private void bars(JsonNode json, int left, String title, String hint, String measure) {
    List<JsonNode> subjects = new ArrayList<>();
    json.get("subjects").forEach(subjects::add);
    double most =
        subjects.stream()
            .mapToDouble(s -> s.get(measure).get("upper").doubleValue())
            .max()
            .orElse(1);
    int name = 80;
    int bar = 170;
    add("<text class=\"t\" x=\"%d\" y=\"34\">%s</text>", left, title);
    add("<text class=\"s\" x=\"%d\" y=\"54\">%s</text>", left, hint);
    for (int i = 0; i < subjects.size(); i++) {
      JsonNode subject = subjects.get(i);
      JsonNode value = subject.get(measure);
      ToDoubleFunction<String> at =
          field -> left + name + bar * value.get(field).doubleValue() / most;
      int y = 74 + i * 46;
      String label = subject.get("name").textValue();
      String kind = label.equals("raw") ? "raw" : label.equals("sluice") ? "own" : "peer";
      add("<text class=\"e\" x=\"%d\" y=\"%d\">%s</text>", left + name - 8, y + 19, label);
      add(
          "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"28\" rx=\"3\"/>",
          kind, left + name, y, at.applyAsDouble("median") - left - name);
      add(
          "<line class=\"spread\" x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\"/>",
          at.applyAsDouble("lower"), y + 14, at.applyAsDouble("upper"), y + 14);
      add(
          "<text x=\"%.1f\" y=\"%d\">%.2f</text>",
          at.applyAsDouble("upper") + 6, y + 19, value.get("median").doubleValue());
    }
  }

  private void line(JsonNode json) {
    List<JsonNode> points = new ArrayList<>();
    json.get("points").forEach(points::add);
    int left = 690;
    int bottom = 270;
    double width = 240;
    double height = 190;
    double last = points.getLast().get("workers").doubleValue();
    add("<text class=\"t\" x=\"%d\" y=\"34\">Fan-out, times one worker</text>", left - 30);
    add(
        Locale.ROOT,
        "<text class=\"s\" x=\"%d\" y=\"54\">each at %.0f MB/s; dashed: ideal</text>",
        left - 30,
        json.get("bandwidth").doubleValue() / 1e6);
    add(
        "<path class=\"axis\" d=\"M%d %.0f V%d H%.0f\"/>",
        left, bottom - height, bottom, left + width);
    add(
        "<path class=\"ideal\" d=\"M%d %d L%.0f %.0f\"/>",
        left, bottom, left + width, bottom - height);
    StringBuilder path = new StringBuilder();
    for (JsonNode point : points) {
      double x = left + width * point.get("workers").doubleValue() / last;
      double y = bottom - height * point.get("timesOneWorker").doubleValue() / last;
      path.append(String.format(Locale.ROOT, "%s%.1f %.1f ", path.isEmpty() ? "M" : "L", x, y));
      add("<circle class=\"own\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\"/>", x, y);
      add(
          "<text class=\"s m\" x=\"%.1f\" y=\"%d\">%d</text>",
          x, bottom + 18, point.get("workers").intValue());
      add(
          "<text class=\"e\" x=\"%.1f\" y=\"%.1f\">%.1f</text>",
          x - 6, y - 8, point.get("timesOneWorker").doubleValue());
    }
    add("<path class=\"line\" d=\"%s\"/>", path.toString().strip());
    add("<text class=\"s m\" x=\"%.0f\" y=\"%d\">workers</text>", left + width / 2, bottom + 38);
  }

  private void add(String format, Object... values) {
    add(Locale.ROOT, format, values);
  }

  private void add(Locale locale, String format, Object... values) {
    svg.append(String.format(locale, format, values)).append('\n');
  }
}
