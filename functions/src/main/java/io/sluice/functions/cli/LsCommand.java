package io.sluice.functions.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;

/** {@code ls}: the models. */
@Command(name = "ls", description = "Lists models and their versions.")
final class LsCommand extends SluiceCommand {
  @Override
  Needs needs() {
    return Needs.ENDPOINT;
  }

  @Override
  public Integer call() throws InterruptedException {
    JsonNode models = endpoint().get("models");
    print(models, out -> text(models, out));
    return 0;
  }

  private static void text(JsonNode models, PrintWriter out) {
    Table table =
        new Table("MODEL", "TAGS", "VERSION", "S", "SHARDS", "TENSORS", "FILES", "STORED");
    for (JsonNode model : models.path("models")) {
      for (JsonNode version : model.path("versions")) {
        String digest = version.path("version").asText();
        List<String> tags = new ArrayList<>();
        model
            .path("tags")
            .properties()
            .forEach(
                tag -> {
                  if (tag.getValue().asText().equals(digest)) {
                    tags.add(tag.getKey());
                  }
                });
        table.row(
            model.path("name").asText(),
            String.join(",", tags),
            ResultText.shortDigest(digest),
            new Table.Right(ByteSize.format(version.path("S").asLong())),
            version.path("shards").asInt(),
            version.path("tensors").asInt(),
            version.path("files").asInt(),
            version.path("createdAt").asText());
      }
    }
    table.print(out);
  }
}
