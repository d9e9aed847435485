package io.sluice.functions.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Results of jobs in words. */
final class ResultText {
  /** Operations whose tasks are not shards. */
  private static final Set<String> PARTITIONED = Set.of("train", "predict");

  private ResultText() {}

  /** An upload. */
  static void upload(JsonNode result, PrintWriter out) {
    long sent = result.at("/sent/bytes").asLong();
    double seconds = result.path("seconds").asDouble();
    out.printf(
        "%s:%s  %s%n",
        result.path("model").asText(),
        result.path("tag").asText(),
        result.path("version").asText());
    out.printf(
        Locale.ROOT,
        "%d files, %d tensors in %d shards, S = %s%n",
        result.path("files").asInt(),
        result.path("tensors").asInt(),
        result.path("shards").asInt(),
        ByteSize.format(result.path("S").asLong()));
    out.printf(
        Locale.ROOT,
        "sent %d shards (%s), reused %d (%s), in %.1f s, %s%n",
        result.at("/sent/shards").asInt(),
        ByteSize.format(sent),
        result.at("/reused/shards").asInt(),
        ByteSize.format(result.at("/reused/bytes").asLong()),
        seconds,
        ByteSize.rate(sent, seconds));
  }

  /** A copy. */
  static void copy(JsonNode result, PrintWriter out) {
    String name = result.path("model").asText();
    for (JsonNode version : result.path("versions")) {
      out.printf(
          "%s@%s%s%n",
          name,
          version.path("version").asText(),
          version
              .path("tags")
              .valueStream()
              .map(tag -> "  " + tag.asText())
              .collect(Collectors.joining()));
    }
    long sent = result.at("/sent/bytes").asLong() + result.at("/replaced/bytes").asLong();
    long reused = result.at("/reused/bytes").asLong();
    double seconds = result.path("seconds").asDouble();
    out.printf(
        Locale.ROOT,
        "%s to %s: sent %d objects (%s), %d were there (%s%s), %d replaced, in %.1f s, %s%n",
        result.path("from").asText(),
        result.path("to").asText(),
        result.at("/sent/objects").asInt() + result.at("/replaced/objects").asInt(),
        ByteSize.format(sent),
        result.at("/reused/objects").asInt(),
        ByteSize.format(reused),
        result.path("checked").asBoolean() ? ", verified" : "",
        result.at("/replaced/objects").asInt(),
        seconds,
        ByteSize.rate(sent, seconds));
  }

  /** A load. */
  static void load(JsonNode result, PrintWriter out) {
    long loaded = result.path("L").asLong();
    double seconds = result.path("seconds").asDouble();
    out.printf("%s  %s%n", result.path("model").asText(), result.path("version").asText());
    out.printf(
        Locale.ROOT,
        "L = %s of S = %s, %s, in %.1f s, %s%n",
        ByteSize.format(loaded),
        ByteSize.format(result.path("S").asLong()),
        fanOut(result),
        seconds,
        ByteSize.rate(loaded, seconds));
    Table table = new Table("WORKER", "SHARDS", "BYTES", "FROM", "INDEXES");
    for (JsonNode worker : result.path("workers")) {
      Map<String, Long> sources = new TreeMap<>();
      StringBuilder indexes = new StringBuilder();
      for (JsonNode shard : worker.path("shards")) {
        shard
            .path("sources")
            .properties()
            .forEach(e -> sources.merge(e.getKey(), e.getValue().asLong(), Long::sum));
        indexes.append(indexes.isEmpty() ? "" : " ").append(shard.path("index").asInt());
      }
      long bytes = worker.path("bytes").asLong();
      table.row(
          worker.path("id").asText(),
          worker.path("shards").size(),
          ByteSize.format(bytes),
          sources.entrySet().stream()
              .map(e -> e.getKey() + " " + ByteSize.format(e.getValue()))
              .collect(Collectors.joining(", ")),
          shorten(indexes.toString(), 60));
    }
    table.print(out);
  }

  /** A computation; {@code rows} bounds the tensors that are shown. */
  static void compute(JsonNode result, PrintWriter out, int rows) {
    out.printf("%s  %s%n", result.path("model").asText(), result.path("version").asText());
    out.printf(
        Locale.ROOT,
        "%s, %s, in %.1f s%n",
        result.path("operation").asText(),
        fanOut(result),
        result.path("seconds").asDouble());
    JsonNode tensors = result.at("/result/tensors");
    if (result.path("operation").asText().equals("stats") && tensors.isObject()) {
      stats(tensors, out, rows);
    } else if (result.path("operation").asText().equals("compare")) {
      compare(result.path("result"), out, rows);
    } else if (result.path("operation").asText().equals("convert")) {
      convert(result.path("result"), out, rows);
    } else if (result.at("/result/queries").isArray()) {
      nearest(result.at("/result/queries"), out);
    } else if (result.path("operation").asText().equals("train")) {
      TrainingText.train(result.path("result"), result.path("seconds").asDouble(), out);
    } else if (result.path("operation").asText().equals("predict")) {
      TrainingText.predict(result.path("result"), out);
    } else {
      out.println(result.path("result").toPrettyString());
    }
    for (JsonNode skipped : result.path("skipped")) {
      out.printf(
          "skipped %s: %s%n", skipped.path("tensor").asText(), skipped.path("reason").asText());
    }
  }

  /** The nearest rows of each query. */
  private static void nearest(JsonNode queries, PrintWriter out) {
    Table table = new Table("QUERY", "ROW", "SCORE");
    for (int query = 0; query < queries.size(); query++) {
      JsonNode rows = queries.get(query).path("rows");
      for (int i = 0; i < rows.size(); i++) {
        table.row(query, rows.get(i).asLong(), number(queries.get(query).path("scores").get(i)));
      }
    }
    table.print(out);
    for (int query = 0; query < queries.size(); query++) {
      long skipped = queries.get(query).path("skipped").asLong();
      if (skipped > 0) {
        out.printf("query %d: %d rows have no score that is a number%n", query, skipped);
      }
    }
  }

  /** N tasks on P workers, T each. */
  static String fanOut(JsonNode result) {
    return "N = %d %s, T = %d a worker, P = %d workers"
        .formatted(
            result.path("N").asInt(),
            PARTITIONED.contains(result.path("operation").asText()) ? "partitions" : "shards",
            result.path("T").asInt(),
            result.path("P").asInt());
  }

  /**
   * Statistics of tensors.
   *
   * @param tensors an object by name
   */
  static void stats(JsonNode tensors, PrintWriter out, int rows) {
    Table table =
        new Table(
            "TENSOR", "DTYPE", "SHAPE", "COUNT", "MIN", "MAX", "MEAN", "STD", "L2", "ZEROS", "NAN",
            "INF");
    int shown = 0;
    for (Map.Entry<String, JsonNode> entry : tensors.properties()) {
      if (shown++ == rows) {
        break;
      }
      JsonNode tensor = entry.getValue();
      table.row(
          shorten(entry.getKey(), 60),
          tensor.path("dtype").asText(),
          tensor.path("shape").toString(),
          tensor.path("count").asLong(),
          number(tensor.path("min")),
          number(tensor.path("max")),
          number(tensor.path("mean")),
          number(tensor.path("std")),
          number(tensor.path("l2")),
          tensor.path("zeros").asLong(),
          tensor.path("nan").asLong(),
          tensor.path("posInf").asLong() + tensor.path("negInf").asLong());
    }
    table.print(out);
    if (tensors.size() > rows) {
      out.printf("and %d more tensors%n", tensors.size() - rows);
    }
  }

  /** How far two versions lie apart; tensors that are equal in all are left out. */
  static void compare(JsonNode result, PrintWriter out, int rows) {
    JsonNode with = result.path("with");
    out.printf("with %s  %s%n", with.path("model").asText(), with.path("version").asText());
    for (String field : new String[] {"missing", "extra"}) {
      for (JsonNode name : result.path(field)) {
        out.printf("%s %s%n", field, name.asText());
      }
    }
    for (Map.Entry<String, JsonNode> entry : result.path("reshaped").properties()) {
      out.printf(
          "reshaped %s: %s, with %s%n",
          entry.getKey(), entry.getValue().path("shape"), entry.getValue().path("with"));
    }
    Table table =
        new Table(
            "TENSOR",
            "DTYPE",
            "WITH",
            "COUNT",
            "DIFFERING",
            "UNLIKE",
            "MAX ABS",
            "RELATIVE",
            "COSINE");
    int differing = 0;
    for (Map.Entry<String, JsonNode> entry : result.path("tensors").properties()) {
      JsonNode tensor = entry.getValue();
      if (tensor.path("differing").asLong() == 0 || differing++ >= rows) {
        continue;
      }
      table.row(
          shorten(entry.getKey(), 60),
          tensor.path("dtype").asText(),
          tensor.path("with").asText(),
          tensor.path("count").asLong(),
          tensor.path("differing").asLong(),
          tensor.path("unlike").asLong(),
          number(tensor.path("maxAbs")),
          number(tensor.path("relative")),
          tensor.path("cosine").isNumber()
              ? new Table.Right(
                  String.format(Locale.ROOT, "%.9f", tensor.path("cosine").doubleValue()))
              : new Table.Right("-"));
    }
    if (differing > 0) {
      table.print(out);
    }
    if (differing > rows) {
      out.printf("and %d more tensors%n", differing - rows);
    }
    JsonNode summary = result.path("summary");
    out.printf(
        "%s: %d tensors identical, %d compared, %d of them differ; %d missing, %d extra, %d"
            + " reshaped%n",
        result.path("equal").asBoolean() ? "equal" : "different",
        summary.path("identical").asInt(),
        summary.path("compared").asInt(),
        summary.path("differing").asInt(),
        summary.path("missing").asInt(),
        summary.path("extra").asInt(),
        summary.path("reshaped").asInt());
  }

  /** A version that was made of another one. */
  static void convert(JsonNode result, PrintWriter out, int rows) {
    out.printf(
        "%s:%s  %s%n",
        result.path("model").asText(),
        result.path("tag").asText(),
        result.path("version").asText());
    out.printf(
        "S = %s in %d shards: %d made, %d kept%n",
        ByteSize.format(result.path("S").asLong()),
        result.path("shards").asInt(),
        result.path("shardsMade").asInt(),
        result.path("shardsKept").asInt());
    Table table = new Table("TENSOR", "FROM", "TO", "RMSE", "MAX", "SNR dB", "OVERFLOWS");
    int shown = 0;
    for (Map.Entry<String, JsonNode> entry : result.path("tensors").properties()) {
      if (shown++ == rows) {
        break;
      }
      JsonNode tensor = entry.getValue();
      table.row(
          shorten(entry.getKey(), 60),
          tensor.path("from").asText(),
          tensor.path("to").asText(),
          number(tensor.path("rmse")),
          number(tensor.path("max")),
          number(tensor.path("snr")),
          tensor.path("overflows").asLong());
    }
    table.print(out);
  }

  private static Object number(JsonNode value) {
    if (value.isIntegralNumber()) {
      return value.bigIntegerValue();
    }
    return value.isNumber()
        ? new Table.Right(String.format(Locale.ROOT, "%.5g", value.doubleValue()))
        : new Table.Right(value.isNull() || value.isMissingNode() ? "-" : value.asText());
  }

  /** The first digits of a digest. */
  static String shortDigest(String digest) {
    return cut(digest.replaceFirst("^sha256:", ""), 12);
  }

  /** The beginning of a text. */
  static String cut(String text, int length) {
    return text.length() <= length ? text : text.substring(0, length);
  }

  /** The beginning of a text that is too long, with a sign of that. */
  static String shorten(String text, int length) {
    return text.length() <= length ? text : text.substring(0, length - 1) + "…";
  }
}
