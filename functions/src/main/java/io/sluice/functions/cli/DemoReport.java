package io.sluice.functions.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.job.Worker;
import io.sluice.manifest.ModelManifest;
import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;

/** What a demonstration tells: each step as it is done, then the whole; or one JSON document. */
final class DemoReport {
  /** What the built-in model compares. */
  static final List<String> SENTENCES =
      List.of(
          "A cat sits on the mat.",
          "A kitten rests on a rug.",
          "The stock market fell sharply today.",
          "Share prices dropped this afternoon.",
          "How do I bake bread at home?");

  private static final int TENSORS = 8;

  private final long startedAt = System.nanoTime();
  private final PrintWriter out;
  private final ObjectNode json = JsonNodeFactory.instance.objectNode();
  private int step;
  private double timed;

  /**
   * @param out where to tell; null if only the document is wanted
   */
  DemoReport(Path model, int files, long bytes, PrintWriter out) {
    this.out = out;
    json.put("source", model.toAbsolutePath().normalize().toString()).put("bytes", bytes);
    say("%s: %d files, %s%n%n", model.getFileName(), files, ByteSize.format(bytes));
  }

  /** Does something and remembers how long it took. */
  <T> T timed(Callable<T> body) throws Exception {
    long start = System.nanoTime();
    try {
      return body.call();
    } finally {
      timed = (System.nanoTime() - start) / 1e9;
    }
  }

  void stack(LocalStack stack) {
    String s3 = stack.settings().get("quarkus.s3.endpoint-override");
    String redis = stack.settings().get("quarkus.redis.hosts");
    json.putObject("stack").put("s3", s3).put("redis", redis).put("seconds", stack.startSeconds());
    step(stack.startSeconds(), "start", "S3 at %s, Redis at %s", s3, redis);
  }

  void workers(List<Worker> workers) {
    ArrayNode list = json.putArray("workers");
    for (Worker worker : workers) {
      list.addObject()
          .put("id", worker.id())
          .put("address", worker.address())
          .put("budgetBytes", worker.budgetBytes());
    }
    json.put("startSeconds", timed);
    step(
        timed,
        "start",
        "%d workers, each a process with %s for shards",
        workers.size(),
        ByteSize.format(workers.getFirst().budgetBytes()));
  }

  void upload(JsonNode result) {
    json.set("upload", result);
    double seconds = result.path("seconds").asDouble();
    step(
        seconds,
        "upload",
        "%d tensors into %d shards, S = %s, %s",
        result.path("tensors").asInt(),
        result.path("shards").asInt(),
        ByteSize.format(result.path("S").asLong()),
        ByteSize.rate(result.path("S").asLong(), seconds));
  }

  void load(JsonNode result) {
    json.set("load", result);
    double seconds = result.path("seconds").asDouble();
    step(
        seconds,
        "load",
        "%d shards into %d workers, L = %s, %s",
        result.path("N").asInt(),
        result.path("P").asInt(),
        ByteSize.format(result.path("L").asLong()),
        ByteSize.rate(result.path("L").asLong(), seconds));
  }

  void compute(JsonNode result) {
    json.set("compute", result);
    step(
        result.path("seconds").asDouble(),
        "compute",
        "statistics of %d tensors, each shard where it lies",
        result.at("/result/tensors").size());
  }

  void embed(List<String> sentences, JsonNode result) {
    ObjectNode embed = json.putObject("embed");
    sentences.forEach(embed.putArray("texts")::add);
    embed.setAll((ObjectNode) result);
    step(
        result.path("seconds").asDouble(),
        "embed",
        "%d sentences through the layers where they lie",
        sentences.size());
    say("            %s%n", Similarity.way(result.path("workers")));
  }

  void pull(ModelManifest manifest, double seconds) {
    long bytes = manifest.sourceBytes();
    json.putObject("pull").put("bytes", bytes).put("seconds", seconds);
    step(
        seconds,
        "pull",
        "%d files, %s, %s",
        manifest.files().size(),
        ByteSize.format(bytes),
        ByteSize.rate(bytes, seconds));
  }

  void proof(List<FileProof> proofs) {
    ArrayNode list = json.putArray("files");
    boolean identical = true;
    for (FileProof proof : proofs) {
      identical &= proof.equal();
      list.addObject()
          .put("path", proof.path())
          .put("size", proof.size())
          .put("sha256", proof.before())
          .put("pulledSha256", proof.after())
          .put("identical", proof.equal());
    }
    json.put("identical", identical);
    step(
        timed,
        "prove",
        identical ? "SHA-256 of every file is what it was" : "THE FILES ARE NOT WHAT THEY WERE");
    for (FileProof proof : proofs) {
      say("            %s  %s %s%n", proof.before(), proof.equal() ? "=" : "!", proof.path());
    }
  }

  /** Tells the whole. */
  void finish(SluiceCommand command) {
    JsonNode load = json.get("load");
    for (String field : List.of("S", "L", "N", "P", "T")) {
      json.set(field, load.get(field));
    }
    shards(load);
    json.put("seconds", (System.nanoTime() - startedAt) / 1e9);
    command.print(json, this::text);
    if (!json.get("identical").asBoolean()) {
      throw new SluiceException(
          ErrorKind.CORRUPT, "demo-not-identical", "the files that came out are not what went in");
    }
  }

  /** Where each shard lies, in order. */
  private void shards(JsonNode load) {
    Map<Integer, ObjectNode> shards = new TreeMap<>();
    for (JsonNode worker : load.path("workers")) {
      for (JsonNode shard : worker.path("shards")) {
        shards.put(
            shard.path("index").asInt(),
            ((ObjectNode) shard.deepCopy()).put("worker", worker.path("id").asText()));
      }
    }
    ArrayNode list = json.putArray("shards");
    shards.values().forEach(list::add);
  }

  private void text(PrintWriter to) {
    to.println();
    ResultText.stats(json.at("/compute/result/tensors"), to, TENSORS);
    to.println();
    Table table = new Table("SHARD", "SHA-256", "BYTES", "SECONDS", "RATE", "WORKER");
    for (JsonNode shard : json.get("shards")) {
      double seconds = shard.path("seconds").asDouble();
      table.row(
          shard.path("index").asInt(),
          ResultText.shortDigest(shard.path("digest").asText()),
          shard.path("bytes").asLong(),
          new Table.Right(String.format(Locale.ROOT, "%.3f", seconds)),
          new Table.Right(ByteSize.rate(shard.path("bytes").asLong(), seconds)),
          shard.path("worker").asText());
    }
    table.print(to);
    to.println();
    if (json.has("embed")) {
      Similarity.print(SENTENCES, json.at("/embed/embeddings"), to);
      to.println();
    }
    long s = json.get("S").asLong();
    long l = json.get("L").asLong();
    to.printf(
        "S = Σ sᵢ = %,d bytes (%s) in %d shards%n", s, ByteSize.format(s), json.get("N").asInt());
    to.printf(
        "L = Σ lᵢ = %,d bytes (%s) loaded%s%n", l, ByteSize.format(l), l == s ? ", all of S" : "");
    to.printf(
        "P = N/T = %d/%d -> %d workers%n",
        json.get("N").asInt(), json.get("T").asInt(), json.get("P").asInt());
    to.printf(
        Locale.ROOT,
        "upload %s, load %s, pull %s; all in %.1f s%n",
        rate("upload", s),
        rate("load", l),
        rate("pull", json.at("/pull/bytes").asLong()),
        json.get("seconds").asDouble());
  }

  private String rate(String what, long bytes) {
    return ByteSize.rate(bytes, json.at("/" + what + "/seconds").asDouble());
  }

  private void step(double seconds, String verb, String text, Object... values) {
    step++;
    say("%d. %-8s %6.2f s  %s%n", step, verb, seconds, String.format(Locale.ROOT, text, values));
  }

  private void say(String text, Object... values) {
    if (out != null) {
      out.print(String.format(Locale.ROOT, text, values));
      out.flush();
    }
  }
}
