package io.sluice.functions.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.model.ModelRef;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code diff}: how far two versions lie apart; {@code compute --operation compare} in short. */
@Command(
    name = "diff",
    description = "Compares the tensors of two versions, of one model or of two.")
final class DiffCommand extends JobCommand {
  /** Exit code for versions that differ, if it is asked for. */
  static final int DIFFERENT = 10;

  @Parameters(index = "0", paramLabel = "A", description = "name, name:tag or name@sha256:...")
  ModelRef model;

  @Parameters(index = "1", paramLabel = "B", description = "The version to compare it with.")
  ModelRef with;

  @Option(
      names = "--tensors",
      paramLabel = "GLOB",
      description = "Only tensors of these names, such as 'encoder.layer.0.*'.")
  List<String> tensors = new ArrayList<>();

  @Option(
      names = "--exit-code",
      description = "Exit with " + DIFFERENT + " if the versions are not equal.")
  boolean exitCode;

  @Option(
      names = "--tolerance",
      paramLabel = "R",
      description =
          "With --exit-code: tensors whose relative distance is at most R count as equal.")
  double tolerance;

  @Override
  public Integer call() throws InterruptedException {
    if (!(tolerance >= 0)) {
      throw usage("--tolerance is 0 or more, got " + tolerance);
    }
    ObjectNode request = LoadCommand.request(model, tensors, null);
    request.put("operation", "compare").putObject("arguments").put("with", with.toString());
    return submit("compute", request);
  }

  @Override
  void text(JsonNode result, PrintWriter out) {
    ResultText.compare(result.path("result"), out, Integer.MAX_VALUE);
  }

  @Override
  int exitCode(JsonNode answer) {
    return exitCode && differs(answer) ? DIFFERENT : 0;
  }

  private boolean differs(JsonNode answer) {
    JsonNode result = answer.path("result");
    JsonNode summary = result.path("summary");
    if (summary.path("missing").asInt() > 0
        || summary.path("extra").asInt() > 0
        || summary.path("reshaped").asInt() > 0
        || !answer.path("skipped").isEmpty()) {
      return true;
    }
    for (JsonNode tensor : result.path("tensors")) {
      boolean near =
          tensor.path("unlike").asLong() == 0
              && tensor.path("relative").isNumber()
              && tensor.path("relative").doubleValue() <= tolerance;
      if (tensor.path("differing").asLong() > 0 && !(tolerance > 0 && near)) {
        return true;
      }
    }
    return false;
  }
}
