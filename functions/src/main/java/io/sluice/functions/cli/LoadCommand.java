package io.sluice.functions.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.model.ModelRef;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code load}: a model into the memory of the workers. */
@Command(name = "load", description = "Loads a model into the memory of the workers.")
final class LoadCommand extends JobCommand {
  @Parameters(paramLabel = "MODEL", description = "name, name:tag or name@sha256:...")
  ModelRef model;

  @Option(
      names = "--tensors",
      paramLabel = "GLOB",
      description = "Only what tensors of these names need, such as 'encoder.layer.0.*'.")
  List<String> tensors = new ArrayList<>();

  @Option(
      names = "--tasks-per-worker",
      paramLabel = "T",
      description = "Shards that a worker takes: P = N/T workers are used (default: all).")
  Integer tasksPerWorker;

  @Option(
      names = "--replicas",
      paramLabel = "R",
      description = "Workers that hold each shard: a number or 'all' (default: 1).")
  String replicas;

  @Override
  public Integer call() throws InterruptedException {
    ObjectNode request = request(model, tensors, tasksPerWorker);
    if (replicas != null) {
      if (replicas.matches("[0-9]{1,9}")) {
        request.put("replicas", Integer.parseInt(replicas));
      } else {
        request.put("replicas", replicas);
      }
    }
    return submit("load", request);
  }

  @Override
  void text(JsonNode result, PrintWriter out) {
    ResultText.load(result, out);
  }

  /** What load and compute have in common. */
  static ObjectNode request(ModelRef model, List<String> tensors, Integer tasksPerWorker) {
    ObjectNode request = JsonNodeFactory.instance.objectNode().put("model", model.toString());
    ArrayNode globs = request.putArray("tensors");
    tensors.forEach(globs::add);
    if (tasksPerWorker != null) {
      request.put("tasksPerWorker", tasksPerWorker);
    }
    return request;
  }
}
