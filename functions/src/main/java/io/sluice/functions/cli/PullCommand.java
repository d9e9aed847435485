package io.sluice.functions.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.functions.function.dto.ModelDocument;
import io.sluice.manifest.ManifestRepository;
import io.sluice.manifest.ModelManifest;
import io.sluice.model.Crc32c;
import io.sluice.model.Digest;
import io.sluice.model.ModelRef;
import jakarta.inject.Inject;
import java.nio.file.Path;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code pull}: the files as they were. */
@Command(
    name = "pull",
    description = "Writes the files of a model as they were uploaded, byte for byte.")
final class PullCommand extends SluiceCommand {
  @Parameters(index = "0", paramLabel = "MODEL", description = "name, name:tag or name@sha256:...")
  ModelRef model;

  @Parameters(
      index = "1",
      paramLabel = "DIR",
      description = "Folder to write; it is made if it is not there.")
  Path directory;

  @Option(names = "--force", description = "Replace files in a folder that is not empty.")
  boolean force;

  @Option(
      names = "--as",
      paramLabel = "FORMAT",
      description = "'files' (default), or 'gguf': the tensors as one GGUF file.")
  String format = "files";

  @Inject StoreSide store;
  @Inject Puller puller;

  @Override
  Needs needs() {
    return Needs.STORE;
  }

  @Override
  public Integer call() throws InterruptedException {
    if (!format.equals("files") && !format.equals("gguf")) {
      throw usage("--as is 'files' or 'gguf', got '" + format + "'");
    }
    ManifestRepository manifests = store.manifests();
    Digest version = manifests.resolve(model).version();
    ModelManifest manifest = manifests.load(model.name(), version);
    if (format.equals("gguf")) {
      return gguf(manifest, version);
    }
    double seconds;
    try (ProgressView progress = progress("pull")) {
      seconds = puller.pull(manifest, directory, force, progress);
    }
    ObjectNode result =
        JsonNodeFactory.instance
            .objectNode()
            .put("model", model.name())
            .put("version", version.toString())
            .put("directory", directory.toAbsolutePath().normalize().toString())
            .put("bytes", manifest.sourceBytes())
            .put("seconds", seconds);
    ArrayNode files = result.putArray("files");
    for (ModelManifest.File file : manifest.files()) {
      ObjectNode entry = files.addObject().put("path", file.path()).put("size", file.size());
      ModelDocument.checks(file, entry);
    }
    print(
        result,
        out -> {
          Table table = new Table("FILE", "SIZE", "DIGEST OR CHECKSUM");
          for (ModelManifest.File file : manifest.files()) {
            table.row(file.path(), new Table.Right(ByteSize.format(file.size())), checks(file));
          }
          table.print(out);
          out.printf(
              Locale.ROOT,
              "%s in %.1f s, %s, every chunk and file verified%n",
              ByteSize.format(manifest.sourceBytes()),
              seconds,
              ByteSize.rate(manifest.sourceBytes(), seconds));
        });
    return 0;
  }

  private int gguf(ModelManifest manifest, Digest version) throws InterruptedException {
    String name = model.name().substring(model.name().lastIndexOf('/') + 1);
    Puller.Gguf pulled;
    try (ProgressView progress = progress("pull")) {
      pulled = puller.pullGguf(manifest, name, directory, force, progress);
    }
    ObjectNode result =
        JsonNodeFactory.instance
            .objectNode()
            .put("model", model.name())
            .put("version", version.toString())
            .put("directory", directory.toAbsolutePath().normalize().toString())
            .put("bytes", pulled.bytes())
            .put("seconds", pulled.seconds());
    result.putArray("files").addObject().put("path", name + ".gguf").put("size", pulled.bytes());
    print(
        result,
        out ->
            out.printf(
                Locale.ROOT,
                "%s.gguf, %s in %.1f s, every chunk verified%n",
                name,
                ByteSize.format(pulled.bytes()),
                pulled.seconds()));
    return 0;
  }

  private static String checks(ModelManifest.File file) {
    return file.digest()
        .map(Object::toString)
        .orElseGet(() -> "crc32c:" + Crc32c.toBase64(file.crc32c().orElseThrow()));
  }
}
