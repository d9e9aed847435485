package io.sluice.functions.cli;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.model.ModelRef;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code compute}: an operation on every shard where it lies. */
@Command(name = "compute", description = "Computes on a model, shard by shard where they lie.")
final class ComputeCommand extends JobCommand {
  private static final ObjectMapper JSON =
      new ObjectMapper()
          .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  @Parameters(paramLabel = "MODEL", description = "name, name:tag or name@sha256:...")
  ModelRef model;

  @Option(
      names = "--operation",
      required = true,
      paramLabel = "NAME",
      description = "What to compute, such as stats.")
  String operation;

  @Option(
      names = "--argument",
      paramLabel = "KEY=VALUE",
      description = "Argument of the operation; the value is JSON, or else a text.")
  Map<String, String> single = new LinkedHashMap<>();

  @Option(
      names = "--arguments",
      paramLabel = "JSON",
      description = "Arguments of the operation as a JSON object, or @FILE with one.")
  String arguments;

  @Option(
      names = "--tensors",
      paramLabel = "GLOB",
      description = "Only tensors of these names, such as 'encoder.layer.0.*'.")
  List<String> tensors = new ArrayList<>();

  @Option(
      names = "--tasks-per-worker",
      paramLabel = "T",
      description = "Shards that a worker takes: P = N/T workers are used (default: all).")
  Integer tasksPerWorker;

  @Override
  public Integer call() throws InterruptedException {
    ObjectNode request = LoadCommand.request(model, tensors, tasksPerWorker);
    request.put("operation", operation).set("arguments", arguments());
    return submit("compute", request);
  }

  @Override
  void text(JsonNode result, PrintWriter out) {
    ResultText.compute(result, out, Integer.MAX_VALUE);
  }

  /** The arguments, from both ways to give them. */
  ObjectNode arguments() {
    ObjectNode all = JsonNodeFactory.instance.objectNode();
    if (arguments != null) {
      JsonNode parsed;
      try {
        parsed = JSON.readTree(text(arguments));
      } catch (JsonProcessingException e) {
        throw usage("--arguments is no JSON: " + e.getOriginalMessage());
      }
      if (!(parsed instanceof ObjectNode object)) {
        throw usage("--arguments is a JSON object, got '" + arguments + "'");
      }
      all.setAll(object);
    }
    single.forEach((name, text) -> all.set(name, value(text)));
    return all;
  }

  /** A text, or that of a file after an at sign. */
  private String text(String given) {
    if (!given.startsWith("@")) {
      return given;
    }
    Path file = Path.of(given.substring(1));
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw usage("cannot read the arguments in '" + file + "': " + e);
    }
  }

  private static JsonNode value(String text) {
    try {
      JsonNode value = JSON.readTree(text);
      return value.isMissingNode() ? JsonNodeFactory.instance.textNode(text) : value;
    } catch (JsonProcessingException e) {
      return JsonNodeFactory.instance.textNode(text);
    }
  }
}
