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
 */
public record LoadSpec(ModelRef model, TensorGlobs tensors, OptionalInt tasksPerWorker) {
  public LoadSpec {
    Objects.requireNonNull(model, "model");
    Objects.requireNonNull(tensors, "tensors");
    Objects.requireNonNull(tasksPerWorker, "tasksPerWorker");
  }

  /** Reads a load request; unknown fields are the caller's to refuse. */
  public static LoadSpec read(JsonObject json) {
    return new LoadSpec(
        ModelRef.parse(json.text("model")),
        new TensorGlobs(json.texts("tensors")),
        json.optionalInt("tasksPerWorker", 1, 1_000_000));
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
    return json;
  }
}
