package io.sluice.compute.train;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.compute.publish.ModelPublisher;
import io.sluice.json.JsonObject;
import io.sluice.model.ModelRef;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Arguments of {@code predict}.
 *
 * @param data the dataset
 * @param x name of the tensor of features, if not that of the training
 * @param y name of the tensor of labels or targets, if not that of the training
 * @param labels whether there are labels to compare with; found out if absent
 * @param probabilities whether those of all classes are wanted
 * @param output name under which to store the predictions; if absent they are in the answer
 * @param partitions number of tasks; decided by the size of the data if absent
 */
record PredictSpec(
    ModelRef data,
    Optional<String> x,
    Optional<String> y,
    Optional<Boolean> labels,
    boolean probabilities,
    Optional<ModelRef> output,
    OptionalInt partitions) {
  static PredictSpec read(JsonNode arguments) {
    JsonObject json = new JsonObject("the arguments of 'predict'", arguments);
    Optional<Boolean> labels =
        json.any("labels").isPresent() ? Optional.of(json.flag("labels", true)) : Optional.empty();
    PredictSpec spec =
        new PredictSpec(
            ModelRef.parse(json.text("data")),
            json.optionalText("x"),
            json.optionalText("y"),
            labels,
            json.flag("probabilities", false),
            json.optionalText("output").map(ModelRef::parse),
            json.optionalInt("partitions", 1, TrainSpec.MAX_PARTITIONS));
    spec.output.ifPresent(ModelPublisher::requireTarget);
    json.end();
    return spec;
  }
}
