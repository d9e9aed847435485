package io.sluice.load;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.json.JsonObject;
import io.sluice.model.ModelRef;
import io.sluice.plan.TensorGlobs;
import java.util.Objects;
import java.util.OptionalInt;

/**
 * What a load is asked to do.
 *
 * @param model the model, by tag or version
 * @param tensors which tensors are wanted
 * @param tasksPerWorker T, how many shards a worker takes; all workers share them if absent
 * @param replicas on how many workers each shard is loaded
 */
public record LoadSpec(
    ModelRef model, TensorGlobs tensors, OptionalInt tasksPerWorker, Replicas replicas) {
  public LoadSpec {
    Objects.requireNonNull(model, "model");
    Objects.requireNonNull(tensors, "tensors");
    Objects.requireNonNull(tasksPerWorker, "tasksPerWorker");
    Objects.requireNonNull(replicas, "replicas");
  }

  /** Each shard on one worker. */
  public LoadSpec(ModelRef model, TensorGlobs tensors, OptionalInt tasksPerWorker) {
    this(model, tensors, tasksPerWorker, Replicas.ONE);
  }

  /** Reads a load request; unknown fields are the caller's to refuse. */
  public static LoadSpec read(JsonObject json) {
    return new LoadSpec(
        ModelRef.parse(json.text("model")),
        new TensorGlobs(json.texts("tensors")),
        json.optionalInt("tasksPerWorker", 1, 1_000_000),
        json.any("replicas").map(Replicas::read).orElse(Replicas.ONE));
  }

  /** Reads a stored request. */
  public static LoadSpec read(JsonNode json) {
    return read(new JsonObject("load request", json));
  }

  /** The request as JSON. */
  public ObjectNode toJson() {
    ObjectNode json = JsonNodeFactory.instance.objectNode().put("model", model.toString());
    ArrayNode globs = json.putArray("tensors");
    tensors.globs().forEach(globs::add);
    tasksPerWorker.ifPresent(t -> json.put("tasksPerWorker", t));
    if (!replicas.equals(Replicas.ONE)) {
      json.set("replicas", replicas.toJson());
    }
    return json;
  }
}
