package io.sluice.compute;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.job.FanOut;
import io.sluice.json.JsonObject;
import io.sluice.model.Digest;
import io.sluice.model.ModelRef;
import io.sluice.plan.TensorGlobs;
import java.util.Objects;
import java.util.OptionalInt;

/**
 * What a computation is asked to do.
 *
 * @param model the model, by tag or version
 * @param operation name of the operation
 * @param arguments of the operation, an object
 * @param tensors which tensors it is about
 * @param tasksPerWorker T, how many shards a worker takes; all workers share them if absent
 */
public record ComputeSpec(
    ModelRef model,
    String operation,
    JsonNode arguments,
    TensorGlobs tensors,
    OptionalInt tasksPerWorker) {
  public ComputeSpec {
    Objects.requireNonNull(model, "model");
    Objects.requireNonNull(operation, "operation");
    Objects.requireNonNull(arguments, "arguments");
    Objects.requireNonNull(tensors, "tensors");
    Objects.requireNonNull(tasksPerWorker, "tasksPerWorker");
  }

  /** Reads a compute request; unknown fields are the caller's to refuse. */
  public static ComputeSpec read(JsonObject json) {
    return new ComputeSpec(
        ModelRef.parse(json.text("model")),
        json.text("operation"),
        json.any("arguments").orElseGet(JsonNodeFactory.instance::objectNode),
        new TensorGlobs(json.texts("tensors")),
        json.optionalInt("tasksPerWorker", 1, 1_000_000));
  }

  /** Reads a stored request. */
  public static ComputeSpec read(JsonNode json) {
    return read(new JsonObject("compute request", json));
  }

  /**
   * The answer of the computation but for its result: what was computed, in how many tasks, N, on
   * how many workers, P.
   */
  public ObjectNode answer(Digest version, int tasks, int workers) {
    ObjectNode answer =
        JsonNodeFactory.instance
            .objectNode()
            .put("model", model.name())
            .put("version", version.toString())
            .put("operation", operation);
    FanOut.write(answer, tasks, workers, tasksPerWorker);
    return answer;
  }

  /** The request as JSON. */
  public ObjectNode toJson() {
    ObjectNode json =
        JsonNodeFactory.instance
            .objectNode()
            .put("model", model.toString())
            .put("operation", operation);
    json.set("arguments", arguments);
    ArrayNode globs = json.putArray("tensors");
    tensors.globs().forEach(globs::add);
    tasksPerWorker.ifPresent(t -> json.put("tasksPerWorker", t));
    return json;
  }
}
