package io.sluice.functions.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.sluice.model.ModelRef;
import java.io.PrintWriter;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code unload}: frees a model. */
@Command(name = "unload", description = "Frees a model from the memory of the workers.")
final class UnloadCommand extends SluiceCommand {
  @Parameters(paramLabel = "MODEL", description = "name, name:tag or name@sha256:...")
  ModelRef model;

  @Override
  Needs needs() {
    return Needs.ENDPOINT;
  }

  @Override
  public Integer call() throws InterruptedException {
    JsonNode result =
        endpoint()
            .post("unload", JsonNodeFactory.instance.objectNode().put("model", model.toString()));
    print(result, out -> text(result, out));
    return 0;
  }

  private static void text(JsonNode result, PrintWriter out) {
    out.printf(
        "%s  %s%nfreed %s%n",
        result.path("model").asText(),
        result.path("version").asText(),
        ByteSize.format(result.path("freedBytes").asLong()));
    Table table = new Table("WORKER", "FREED");
    for (JsonNode worker : result.path("workers")) {
      table.row(
          worker.path("id").asText(),
          new Table.Right(ByteSize.format(worker.path("freedBytes").asLong())));
    }
    table.print(out);
  }
}
