package io.sluice.functions.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.model.ModelRef;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code show}: how a model lies. */
@Command(
    name = "show",
    description = "Draws how the tensors of a model lie in shards, and the shards on workers.")
final class ShowCommand extends SluiceCommand {
  @Parameters(paramLabel = "MODEL", description = "name, name:tag or name@sha256:...")
  ModelRef model;

  @Option(names = "--all", description = "Draw every shard and name every tensor.")
  boolean all;

  @Override
  Needs needs() {
    return Needs.ENDPOINT;
  }

  @Override
  public Integer call() throws InterruptedException {
    Endpoint endpoint = endpoint();
    JsonNode document = endpoint.get(path());
    JsonNode workers = sluice.json ? document : endpoint.get("workers");
    print(document, out -> new ModelDrawing(document, workers, all).draw(out));
    return 0;
  }

  /** Names and tags have no character that a URL would mind. */
  private String path() {
    return "models/"
        + model.name()
        + model
            .version()
            .map(version -> "?version=" + version)
            .orElse(model.tag().map(tag -> "?tag=" + tag).orElse(""));
  }
}
