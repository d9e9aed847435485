package io.sluice.functions.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.model.ModelRef;
import java.io.PrintWriter;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code train}: the operation of that name; what is not given is left to the server. */
@Command(
    name = "train",
    description = "Trains a linear model on a dataset that is stored like a model.")
final class TrainCommand extends JobCommand {
  @Parameters(paramLabel = "DATASET", description = "name, name:tag or name@sha256:...")
  ModelRef dataset;

  @Option(
      names = "--output",
      required = true,
      paramLabel = "MODEL",
      description = "Name of the model to make; every epoch becomes a version.")
  ModelRef output;

  @Option(names = "--task", paramLabel = "NAME", description = "softmax (default) or linear.")
  String task;

  @Option(
      names = "--method",
      paramLabel = "NAME",
      description =
          "sync (default): all make each step together; local: each alone, then the mean of all.")
  String method;

  @Option(names = "--x", paramLabel = "TENSOR", description = "Features (default: x).")
  String x;

  @Option(names = "--y", paramLabel = "TENSOR", description = "Labels or targets (default: y).")
  String y;

  @Option(
      names = "--x-scale",
      paramLabel = "FACTOR",
      description = "What each element of the features is multiplied by (default: 1).")
  Double xScale;

  @Option(names = "--epochs", paramLabel = "N", description = "Passes over the data (default: 10).")
  Integer epochs;

  @Option(
      names = "--batch",
      paramLabel = "ROWS",
      description = "Rows of a step (default: 256 or a hundredth of all; local: 32).")
  Integer batch;

  @Option(
      names = "--learning-rate",
      paramLabel = "RATE",
      description = "Of the first epoch (default: 0.1).")
  Double learningRate;

  @Option(
      names = "--decay",
      paramLabel = "D",
      description = "The rate of epoch e, from 0, is RATE / (1 + D * e) (default: 0).")
  Double decay;

  @Option(names = "--l2", paramLabel = "L2", description = "Weight of the penalty (default: 0).")
  Double l2;

  @Option(names = "--momentum", paramLabel = "M", description = "Below 1 (default: 0).")
  Double momentum;

  @Option(names = "--seed", paramLabel = "N", description = "Of the order of rows (default: 1).")
  Long seed;

  @Option(
      names = "--no-standardize",
      description = "Leave features as they are, instead of mean 0 and deviation 1.")
  boolean raw;

  @Option(
      names = "--partitions",
      paramLabel = "N",
      description = "Tasks of a round; part of what is computed (default: by the size).")
  Integer partitions;

  @Option(
      names = "--local-steps",
      paramLabel = "N",
      description = "Steps between two means, with --method local (default: an epoch).")
  Integer localSteps;

  @Option(
      names = "--checkpoint-every",
      paramLabel = "N",
      description = "Epochs between two versions (default: 1).")
  Integer checkpointEvery;

  @Option(
      names = "--resume",
      paramLabel = "MODEL",
      description = "Go on from this version, such as name:epoch-3.")
  ModelRef resume;

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
    ObjectNode request = LoadCommand.request(dataset, List.of(), tasksPerWorker);
    ObjectNode arguments = request.put("operation", "train").putObject("arguments");
    arguments.put("output", output.toString());
    put(arguments, "task", task);
    put(arguments, "method", method);
    put(arguments, "x", x);
    put(arguments, "y", y);
    put(arguments, "xScale", xScale);
    put(arguments, "epochs", epochs);
    put(arguments, "batch", batch);
    put(arguments, "learningRate", learningRate);
    put(arguments, "decay", decay);
    put(arguments, "l2", l2);
    put(arguments, "momentum", momentum);
    put(arguments, "seed", seed);
    if (raw) {
      arguments.put("standardize", false);
    }
    put(arguments, "partitions", partitions);
    put(arguments, "localSteps", localSteps);
    put(arguments, "checkpointEvery", checkpointEvery);
    put(arguments, "resume", resume);
    return request;
  }

  private static void put(ObjectNode arguments, String name, Object value) {
    switch (value) {
      case null -> {
        // left to the server
      }
      case Integer number -> arguments.put(name, number);
      case Long number -> arguments.put(name, number);
      case Double number -> arguments.put(name, number);
      default -> arguments.put(name, value.toString());
    }
  }

  @Override
  void text(JsonNode result, PrintWriter out) {
    ResultText.compute(result, out, Integer.MAX_VALUE);
  }
}
