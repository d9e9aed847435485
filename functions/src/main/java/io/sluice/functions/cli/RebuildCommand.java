package io.sluice.functions.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.manifest.ManifestRepository;
import jakarta.inject.Inject;
import picocli.CommandLine.Command;

/** {@code rebuild}: the index from the store alone. */
@Command(name = "rebuild", description = "Builds the index in Redis anew from the store.")
final class RebuildCommand extends SluiceCommand {
  @Inject StoreSide store;

  @Override
  Needs needs() {
    return Needs.STORE;
  }

  @Override
  public Integer call() {
    ManifestRepository.Rebuilt rebuilt = store.manifests().rebuild();
    ObjectNode result =
        JsonNodeFactory.instance
            .objectNode()
            .put("models", rebuilt.models())
            .put("versions", rebuilt.versions())
            .put("tags", rebuilt.tags());
    rebuilt.refused().forEach(result.putArray("refused")::add);
    print(
        result,
        out -> {
          rebuilt.refused().forEach(refused -> out.printf("refused %s%n", refused));
          out.printf(
              "%d models, %d versions, %d tags%n",
              rebuilt.models(), rebuilt.versions(), rebuilt.tags());
        });
    return 0;
  }
}
