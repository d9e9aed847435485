package io.sluice.compute.train;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.model.Digest;
import io.sluice.model.InvalidValueException;

/**
 * A trained model: what a version published by {@code train} holds.
 *
 * @param objective what was learned
 * @param dataset name of the dataset
 * @param version of the dataset
 * @param data which tensors of it
 * @param hyperparameters an object
 * @param scaling of the features
 * @param state weights, velocity and the history of the epochs
 */
record Checkpoint(
    Objective objective,
    String dataset,
    Digest version,
    DataSpec data,
    ObjectNode hyperparameters,
    Scaling scaling,
    LinearState state) {
  /** Name of the file that says what the tensors are. */
  static final String FILE = "training.json";

  static final String FORMAT = "sluice-training-1";

  /**
   * The file: nothing in it tells who trained it or when, so equal trainings are equal versions.
   */
  ObjectNode toJson() {
    ObjectNode json =
        JsonNodeFactory.instance
            .objectNode()
            .put("format", FORMAT)
            .put("task", objective.text())
            .put("features", state.layout().features())
            .put("outputs", state.layout().outputs());
    json.putObject("data")
        .put("dataset", dataset)
        .put("version", version.toString())
        .put("x", data.x())
        .put("y", data.y())
        .put("xScale", (double) data.xScale());
    json.set("hyperparameters", hyperparameters);
    json.put("epoch", state.epochs());
    ArrayNode history = json.putArray("history");
    for (int e = 0; e < state.epochs(); e++) {
      metrics(history.addObject(), e);
    }
    return json;
  }

  /** Epoch (from 1), loss and, of classes, accuracy. */
  ObjectNode metrics(ObjectNode json, int epoch) {
    json.put("epoch", epoch + 1).put("loss", state.loss(epoch));
    if (objective == Objective.SOFTMAX) {
      json.put("accuracy", state.accuracy(epoch));
    }
    return json;
  }

  /** Without the numbers that lie in tensors. */
  static Checkpoint read(JsonNode json) {
    if (!json.path("format").asText().equals(FORMAT)) {
      throw new InvalidValueException(
          "training-invalid",
          "the format of '" + FILE + "' is " + FORMAT + ", got " + json.path("format"));
    }
    try {
      JsonNode history = json.get("history");
      double[] lines = new double[2 * history.size()];
      for (int e = 0; e < history.size(); e++) {
        lines[2 * e] = history.get(e).get("loss").doubleValue();
        lines[2 * e + 1] = history.get(e).path("accuracy").asDouble(Double.NaN);
      }
      JsonNode data = json.get("data");
      return new Checkpoint(
          Objective.of(json.get("task").textValue()),
          data.get("dataset").textValue(),
          Digest.parse(data.get("version").textValue()),
          new DataSpec(
              data.get("x").textValue(),
              data.get("y").textValue(),
              (float) data.get("xScale").doubleValue()),
          (ObjectNode) json.get("hyperparameters"),
          Scaling.NONE,
          new LinearState(
              new Layout(json.get("features").intValue(), json.get("outputs").intValue()),
              new float[0],
              new float[0],
              new double[3],
              lines));
    } catch (NullPointerException | ClassCastException e) {
      throw new InvalidValueException(
          "training-invalid", "'" + FILE + "' is not what 'train' writes: " + e.getMessage());
    }
  }
}
