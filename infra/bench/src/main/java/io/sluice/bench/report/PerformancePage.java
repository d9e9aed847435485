package io.sluice.bench.report;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Writes what was measured into {@code docs/performance.md}: between two marks for each kind of
 * benchmark stands the table of {@code docs/performance/<kind>.json}.
 */
public final class PerformancePage {
  /** The kinds that have a table. */
  static final List<String> KINDS =
      List.of("load", "load-tls", "upload", "upload-tls", "cache", "fanout");

  private static final ObjectMapper JSON = new ObjectMapper();

  private PerformancePage() {}

  /** Writes tables and chart anew. */
  public static void write(Path docs) throws IOException {
    Files.writeString(docs.resolve("performance.md"), page(docs));
    Files.writeString(docs.resolve("performance.svg"), chart(docs));
  }

  /** The page with its tables as the measurements have them. */
  static String page(Path docs) throws IOException {
    String page = Files.readString(docs.resolve("performance.md"));
    for (String kind : KINDS) {
      Optional<JsonNode> measured = measured(docs, kind);
      if (measured.isPresent()) {
        page = replace(page, kind, table(kind, measured.get()));
      }
    }
    return page;
  }

  /** The chart of the measurements. */
  static String chart(Path docs) throws IOException {
    return Chart.draw(measured(docs, "load"), measured(docs, "fanout"));
  }

  private static Optional<JsonNode> measured(Path docs, String kind) throws IOException {
    Path file = docs.resolve("performance").resolve(kind + ".json");
    return Files.exists(file) ? Optional.of(JSON.readTree(file.toFile())) : Optional.empty();
  }

  private static String replace(String page, String kind, String table) {
    String begin = "<!-- " + kind + ": begin -->\n";
    String end = "<!-- " + kind + ": end -->";
    int from = page.indexOf(begin);
    int to = page.indexOf(end);
    if (from < 0 || to < from) {
      throw new IllegalArgumentException(
          "the page has no marks '" + begin.strip() + "' and '" + end + "'");
    }
    return page.substring(0, from + begin.length()) + "\n" + table + "\n" + page.substring(to);
  }

  private static String table(String kind, JsonNode json) {
    return headline(json) + "\n" + (kind.equals("fanout") ? fanout(json) : subjects(json));
  }

  private static String headline(JsonNode json) {
    return String.format(
        Locale.ROOT,
        "%s in %d shards, chunks of %s, %d connections, median of %d turns (quartiles), %d CPUs.%n",
        size(json.get("bytes").longValue()),
        json.get("shards").intValue(),
        size(json.get("chunkBytes").longValue()),
        json.get("connections").intValue(),
        json.get("repeat").intValue(),
        json.get("processors").intValue());
  }

  private static String subjects(JsonNode json) {
    List<String> lines = new ArrayList<>();
    lines.add(
        "| Subject | GB/s | of the ceiling | CPU s/GiB | of the ceiling | Peak RSS | Requests |"
            + " Retries | Bytes of the store |");
    lines.add("|---|---:|---:|---:|---:|---:|---:|---:|---:|");
    for (JsonNode subject : json.get("subjects")) {
      long peak = subject.get("peakBytes").longValue();
      lines.add(
          String.format(
              Locale.ROOT,
              "| %s | %s | %.2f | %s | %.2f | %s | %d | %d | %s |",
              subject.get("name").textValue(),
              spread(subject.get("gigabytesPerSecond")),
              subject.get("speedOfCeiling").get("median").doubleValue(),
              spread(subject.get("cpuSecondsPerGib")),
              subject.get("cpuOfCeiling").get("median").doubleValue(),
              peak < 0 ? "-" : size(peak),
              subject.get("requests").longValue(),
              subject.get("retries").longValue(),
              size(subject.get("storeBytes").longValue())));
    }
    for (JsonNode subject : json.get("subjects")) {
      String name = subject.get("name").textValue();
      if (name.equals("sluice") && subject.has("first")) {
        JsonNode raw = json.get("subjects").get(0).get("first");
        lines.add("");
        lines.add(
            String.format(
                Locale.ROOT,
                "The first turn of a fresh process: %.2f GB/s at %.2f CPU s/GiB, raw %.2f at %.2f.",
                speed(subject.get("first")),
                cpu(subject.get("first")),
                speed(raw),
                cpu(raw)));
      }
    }
    if (json.has("bestPeer")) {
      JsonNode peer = json.get("bestPeer");
      lines.add("");
      lines.add(
          String.format(
              Locale.ROOT,
              "Beside %s, the client of the SDK that spends the least CPU: %.2f of its speed at"
                  + " %.2f of its CPU.",
              peer.get("name").textValue(),
              peer.get("speedOfPeer").get("median").doubleValue(),
              peer.get("cpuOfPeer").get("median").doubleValue()));
    }
    return String.join("\n", lines) + "\n";
  }

  private static String fanout(JsonNode json) {
    List<String> lines = new ArrayList<>();
    lines.add(
        "| Workers | GB/s together | times one worker | Seconds | Predicted | of measured | CPU"
            + " s/GiB |");
    lines.add("|---:|---:|---:|---:|---:|---:|---:|");
    for (JsonNode point : json.get("points")) {
      lines.add(
          String.format(
              Locale.ROOT,
              "| %d | %.3f | %.2f | %.3f | %.3f | %.3f | %.2f |",
              point.get("workers").intValue(),
              point.get("gigabytesPerSecond").get("median").doubleValue(),
              point.get("timesOneWorker").doubleValue(),
              point.get("seconds").get("median").doubleValue(),
              point.get("predictedSeconds").doubleValue(),
              point.get("predictedOfMeasured").doubleValue(),
              point.get("cpuSecondsPerGib").get("median").doubleValue()));
    }
    return String.join("\n", lines) + "\n";
  }

  private static String spread(JsonNode summary) {
    return String.format(
        Locale.ROOT,
        "%.2f (%.2f to %.2f)",
        summary.get("median").doubleValue(),
        summary.get("lower").doubleValue(),
        summary.get("upper").doubleValue());
  }

  private static double speed(JsonNode round) {
    return round.get("bytes").longValue() / round.get("seconds").doubleValue() / 1e9;
  }

  private static double cpu(JsonNode round) {
    return round.get("cpuSeconds").doubleValue() / round.get("bytes").longValue() * (1 << 30);
  }

  private static String size(long bytes) {
    if (bytes < 1 << 20) {
      return bytes + " B";
    }
    double mib = bytes / (double) (1 << 20);
    return mib < 1024
        ? String.format(Locale.ROOT, "%.0f MiB", mib)
        : String.format(Locale.ROOT, "%.2f GiB", mib / 1024);
  }
}
