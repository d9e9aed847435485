package io.sluice.compute.train;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.compute.ComputeException;
import io.sluice.compute.publish.ModelPublisher;
import io.sluice.json.JsonObject;
import io.sluice.model.ModelRef;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Arguments of {@code train}.
 *
 * @param output name of the model to make; the tag, {@code latest} if none is said, names the last
 *     epoch, {@code epoch-<n>} each of them
 * @param data which tensors of the dataset
 * @param objective {@code task}
 * @param local {@code method}: whether each partition steps alone and models are averaged, or all
 *     do each step together
 * @param epochs passes over the data, also before what is resumed
 * @param batch rows of a step: of all partitions together, or of one alone
 * @param rate learning rate of the first epoch
 * @param decay the rate of epoch e (from 0) is {@code rate / (1 + decay · e)}
 * @param l2 weight of half the sum of the squared weights (not of the biases)
 * @param momentum 0 for none
 * @param seed of the order of rows
 * @param standardize whether features get mean 0 and deviation 1
 * @param partitions number of tasks of a round; decided by the size of the data if absent
 * @param localSteps steps between two averages; an epoch if absent
 * @param checkpointEvery epochs between two versions; the last epoch is always one
 * @param resume a version that {@code train} has made, to go on from
 */
record TrainSpec(
    ModelRef output,
    DataSpec data,
    Objective objective,
    boolean local,
    int epochs,
    OptionalInt batch,
    double rate,
    double decay,
    double l2,
    double momentum,
    long seed,
    boolean standardize,
    OptionalInt partitions,
    OptionalInt localSteps,
    int checkpointEvery,
    Optional<ModelRef> resume) {
  static final int MAX_EPOCHS = 10_000;
  static final int MAX_PARTITIONS = 10_000;

  /**
   * Reads and checks the arguments.
   *
   * @throws io.sluice.model.SluiceException of kind INVALID
   */
  static TrainSpec read(JsonNode arguments) {
    JsonObject json = new JsonObject("the arguments of 'train'", arguments);
    ModelRef output = ModelRef.parse(json.text("output"));
    ModelPublisher.requireTarget(output);
    TrainSpec spec =
        new TrainSpec(
            output,
            DataSpec.read(json),
            Objective.of(json.optionalText("task").orElse("softmax")),
            local(json.optionalText("method").orElse("sync")),
            json.optionalInt("epochs", 1, MAX_EPOCHS).orElse(10),
            json.optionalInt("batch", 1, Integer.MAX_VALUE),
            Decimals.read(json, "learningRate", Double.MIN_VALUE, 1e6, 0.1),
            Decimals.read(json, "decay", 0, 1e6, 0),
            Decimals.read(json, "l2", 0, 1e6, 0),
            Decimals.read(json, "momentum", 0, 0.999_999, 0),
            json.optionalLong("seed", Long.MIN_VALUE, Long.MAX_VALUE).orElse(1),
            json.flag("standardize", true),
            json.optionalInt("partitions", 1, MAX_PARTITIONS),
            json.optionalInt("localSteps", 1, Integer.MAX_VALUE),
            json.optionalInt("checkpointEvery", 1, MAX_EPOCHS).orElse(1),
            json.optionalText("resume").map(ModelRef::parse));
    json.end();
    if (spec.localSteps.isPresent() && !spec.local) {
      throw ComputeException.invalidArguments(
          "'localSteps' is for the method 'local'; with 'sync' there is one step a round");
    }
    return spec;
  }

  private static boolean local(String method) {
    return switch (method) {
      case "sync" -> false;
      case "local" -> true;
      default ->
          throw ComputeException.invalidArguments(
              "'method' is sync or local, got '" + method + "'");
    };
  }

  /** Learning rate of an epoch, from 0. */
  double rate(int epoch) {
    return rate / (1 + decay * epoch);
  }

  /** What a checkpoint tells of them: all that its weights depend on, and nothing else. */
  ObjectNode hyperparameters(DataPlan plan) {
    ObjectNode json =
        JsonNodeFactory.instance
            .objectNode()
            .put("method", local ? "local" : "sync")
            .put("batch", plan.batch())
            .put("learningRate", rate)
            .put("decay", decay)
            .put("l2", l2)
            .put("momentum", momentum)
            .put("seed", seed)
            .put("standardize", standardize)
            .put("partitions", plan.partitions());
    localSteps.ifPresent(steps -> json.put("localSteps", steps));
    return json;
  }
}
