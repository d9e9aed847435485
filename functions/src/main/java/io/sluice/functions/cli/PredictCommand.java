package io.sluice.functions.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.model.ModelRef;
import java.io.PrintWriter;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code predict}: the operation of that name. */
@Command(
    name = "predict",
    description = "Says what a trained model makes of a dataset, and how right it is.")
final class PredictCommand extends JobCommand {
  @Parameters(paramLabel = "MODEL", description = "name, name:tag or name@sha256:...")
  ModelRef model;

  @Option(
      names = "--data",
      required = true,
      paramLabel = "DATASET",
      description = "The dataset, stored like a model.")
  ModelRef data;

  @Option(
      names = "--x",
      paramLabel = "TENSOR",
      description = "Features (default: as in the training).")
  String x;

  @Option(
      names = "--y",
      paramLabel = "TENSOR",
      description = "Labels or targets (default: as in the training, if the dataset has them).")
  String y;

  @Option(names = "--no-labels", description = "Compare with nothing.")
  boolean noLabels;

  @Option(names = "--probabilities", description = "Those of all classes too.")
  boolean probabilities;

  @Option(
      names = "--output",
      paramLabel = "MODEL",
      description = "Store the predictions under this name.")
  ModelRef output;

  @Option(
      names = "--tasks-per-worker",
      paramLabel = "T",
      description = "Partitions that a worker takes: P = N/T workers are used (default: all).")
  Integer tasksPerWorker;

  @Override
  public Integer call() throws InterruptedException {
    return submit("compute", request());
  }

  /** The request as {@code POST /compute} takes it. */
  ObjectNode request() {
    ObjectNode request = LoadCommand.request(model, List.of(), tasksPerWorker);
    ObjectNode arguments = request.put("operation", "predict").putObject("arguments");
    arguments.put("data", data.toString());
    if (x != null) {
      arguments.put("x", x);
    }
    if (y != null) {
      arguments.put("y", y);
    }
    if (noLabels) {
      arguments.put("labels", false);
    }
    if (probabilities) {
      arguments.put("probabilities", true);
    }
    if (output != null) {
      arguments.put("output", output.toString());
    }
    return request;
  }

  @Override
  void text(JsonNode result, PrintWriter out) {
    ResultText.compute(result, out, Integer.MAX_VALUE);
  }
}
