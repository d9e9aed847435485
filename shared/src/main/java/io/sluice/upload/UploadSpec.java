package io.sluice.upload;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.json.JsonObject;
import io.sluice.model.Digest;
import io.sluice.model.ErrorKind;
import io.sluice.model.ModelRef;
import io.sluice.plan.PlanOptions;
import io.sluice.plan.PlanStrategy;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What an upload is asked to do.
 *
 * @param source where the files lie
 * @param model name and tag to publish under; names no version
 * @param options how to cut the tensors into shards
 * @param expected if present, the version that the tag must have before it is moved
 * @param tasksPerWorker T, how many tasks a worker takes; all workers share the tasks if absent
 * @param fileDigests whether the SHA-256 of every file is wanted. It names no object, and costs a
 *     second hash of every byte
 */
public record UploadSpec(
    String source,
    ModelRef model,
    PlanOptions options,
    Optional<Digest> expected,
    OptionalInt tasksPerWorker,
    boolean fileDigests) {
  /** Without the digests of whole files. */
  public UploadSpec(
      String source,
      ModelRef model,
      PlanOptions options,
      Optional<Digest> expected,
      OptionalInt tasksPerWorker) {
    this(source, model, options, expected, tasksPerWorker, false);
  }

  public UploadSpec {
    Objects.requireNonNull(source, "source");
    Objects.requireNonNull(options, "options");
    Objects.requireNonNull(expected, "expected");
    Objects.requireNonNull(tasksPerWorker, "tasksPerWorker");
    if (model.version().isPresent()) {
      throw new UploadException(
          ErrorKind.INVALID,
          "model-ref-invalid",
          "an upload makes a version and cannot be given one: " + model);
    }
  }

  /** Reads an upload request; unknown fields are the caller's to refuse. */
  public static UploadSpec read(JsonObject json) {
    PlanOptions defaults = PlanOptions.DEFAULT;
    OptionalInt count = json.optionalInt("shards", 1, PlanOptions.MAX_COUNT);
    PlanStrategy strategy =
        json.optionalText("strategy")
            .map(PlanStrategy::parse)
            .orElse(count.isPresent() ? PlanStrategy.COUNT : defaults.strategy());
    PlanOptions options =
        new PlanOptions(
            strategy,
            json.optionalLong(
                    "shardBytes", PlanOptions.MIN_SHARD_BYTES, PlanOptions.MAX_SHARD_BYTES)
                .orElse(defaults.shardBytes()),
            count,
            json.optionalInt("chunkBytes", PlanOptions.MIN_CHUNK_BYTES, PlanOptions.MAX_CHUNK_BYTES)
                .orElse(defaults.chunkBytes()));
    return new UploadSpec(
        json.text("source"),
        ModelRef.parse(json.text("model")),
        options,
        json.optionalText("expect").map(Digest::parse),
        json.optionalInt("tasksPerWorker", 1, 1_000_000),
        json.flag("fileDigests", false));
  }

  /** Reads a stored request. */
  public static UploadSpec read(JsonNode json) {
    return read(new JsonObject("upload request", json));
  }

  /** The request as JSON. */
  public ObjectNode toJson() {
    ObjectNode json =
        JsonNodeFactory.instance
            .objectNode()
            .put("source", source)
            .put("model", model.toString())
            .put("strategy", options.strategy().text())
            .put("shardBytes", options.shardBytes())
            .put("chunkBytes", options.chunkBytes());
    options.count().ifPresent(n -> json.put("shards", n));
    expected.ifPresent(v -> json.put("expect", v.toString()));
    tasksPerWorker.ifPresent(t -> json.put("tasksPerWorker", t));
    if (fileDigests) {
      json.put("fileDigests", true);
    }
    return json;
  }
}
