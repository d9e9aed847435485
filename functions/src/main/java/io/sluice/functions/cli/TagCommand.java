package io.sluice.functions.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.functions.function.dto.ChangeDocument;
import io.sluice.manifest.TagMove;
import io.sluice.model.Digest;
import io.sluice.model.ModelRef;
import jakarta.inject.Inject;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code tag}: gives a version a name. */
@Command(name = "tag", description = "Moves a tag to a version.")
final class TagCommand extends SluiceCommand {
  @Parameters(
      index = "0",
      paramLabel = "MODEL",
      description = "The version: name, name:tag or name@sha256:...")
  ModelRef model;

  @Parameters(index = "1", paramLabel = "TAG", description = "The tag that is to name it.")
  String tag;

  @Option(
      names = "--expect",
      paramLabel = "sha256:...",
      description = "Move the tag only if it names this version now.")
  Digest expect;

  @Inject StoreSide store;

  @Override
  Needs needs() {
    return Needs.STORE;
  }

  @Override
  public Integer call() {
    Digest version = store.manifests().resolve(model).version();
    TagMove move = store.manifests().tag(model.name(), tag, version, Optional.ofNullable(expect));
    ObjectNode result = ChangeDocument.moved(model.name(), version, move);
    print(result, out -> out.printf("%s:%s is %s%n", model.name(), tag, version));
    return 0;
  }
}
