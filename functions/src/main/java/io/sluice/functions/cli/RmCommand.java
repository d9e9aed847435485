package io.sluice.functions.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.functions.function.dto.ChangeDocument;
import io.sluice.manifest.ManifestRepository;
import io.sluice.model.ModelRef;
import jakarta.inject.Inject;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code rm}: removes a tag, a version or a model. */
@Command(
    name = "rm",
    description = {
      "Removes a tag (name:tag), a version (name@sha256:...) or a model with all versions (name).",
      "What nothing names any more is deleted by gc."
    })
final class RmCommand extends SluiceCommand {
  @Parameters(paramLabel = "MODEL", description = "name, name:tag or name@sha256:...")
  ModelRef model;

  @Option(names = "--force", description = "Take off tags that name what is removed.")
  boolean force;

  @Inject StoreSide store;

  @Override
  Needs needs() {
    return Needs.STORE;
  }

  @Override
  public Integer call() {
    ManifestRepository.Removed removed = store.manifests().remove(model, force);
    ObjectNode result = ChangeDocument.removed(model.name(), removed);
    print(
        result,
        out -> {
          removed.tags().forEach(tag -> out.printf("removed tag %s:%s%n", model.name(), tag));
          removed
              .versions()
              .forEach(version -> out.printf("removed %s@%s%n", model.name(), version));
        });
    return 0;
  }
}
