package io.sluice.functions.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.model.Digest;
import io.sluice.model.ModelRef;
import java.io.PrintWriter;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code copy}: a model from one store to another, by the workers. */
@Command(
    name = "copy",
    description = {
      "Copies a model from one store to another.",
      "The workers carry its shards over and verify the SHA-256 of each; what the other store has"
          + " already is not sent again. The tag that MODEL names, names the version there too."
    })
final class CopyCommand extends JobCommand {
  @Parameters(paramLabel = "MODEL", description = "name, name:tag or name@sha256:...")
  ModelRef model;

  @Option(
      names = "--from",
      paramLabel = "STORE",
      description = "Store to read, such as s3 (default: that of the server, sluice.store).")
  String from;

  @Option(
      names = "--to",
      paramLabel = "STORE",
      required = true,
      description = "Store to write, such as file; its settings are those of the server.")
  String to;

  @Option(
      names = "--mirror",
      description = "Copy every version and tag of the model; what is there besides stays.")
  boolean mirror;

  @Option(
      names = "--check",
      description = "Read what is there already too, and replace what is damaged.")
  boolean check;

  @Option(
      names = "--expect",
      paramLabel = "sha256:...",
      description = "Move the tag only if it names this version there now.")
  Digest expect;

  @Override
  public Integer call() throws InterruptedException {
    ObjectNode request =
        JsonNodeFactory.instance
            .objectNode()
            .put("model", model.toString())
            .put("to", to)
            .put("mirror", mirror)
            .put("check", check);
    if (from != null) {
      request.put("from", from);
    }
    if (expect != null) {
      request.put("expect", expect.toString());
    }
    return submit("copy", request);
  }

  @Override
  void text(JsonNode result, PrintWriter out) {
    ResultText.copy(result, out);
  }
}
