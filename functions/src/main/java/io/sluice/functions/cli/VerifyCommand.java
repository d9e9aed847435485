package io.sluice.functions.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.manifest.Verifier;
import io.sluice.model.Digest;
import io.sluice.model.ErrorKind;
import io.sluice.model.ModelRef;
import io.sluice.model.SluiceException;
import jakarta.inject.Inject;
import java.io.PrintWriter;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code verify}: whether a model is whole in the store. */
@Command(
    name = "verify",
    description = "Checks that everything a version is made of lies in the store.")
final class VerifyCommand extends SluiceCommand {
  @Parameters(paramLabel = "MODEL", description = "name, name:tag or name@sha256:...")
  ModelRef model;

  @Option(names = "--deep", description = "Read every byte, check every CRC32C and SHA-256.")
  boolean deep;

  @Inject StoreSide store;

  @Override
  Needs needs() {
    return Needs.STORE;
  }

  @Override
  public Integer call() {
    Digest version = store.manifests().resolve(model).version();
    Verifier.Report report =
        store.verifier().verify(store.manifests().load(model.name(), version), deep);
    print(json(version, report), out -> text(version, report, out));
    if (!report.sound()) {
      Verifier.Problem first = report.problems().getFirst();
      throw new SluiceException(
          ErrorKind.CORRUPT,
          "model-corrupt",
          "%s@%s: %d faults in its %d objects, the first in '%s': %s"
              .formatted(
                  model.name(),
                  version,
                  report.problems().size(),
                  report.objects(),
                  first.key(),
                  first.detail()));
    }
    return 0;
  }

  private ObjectNode json(Digest version, Verifier.Report report) {
    ObjectNode json =
        JsonNodeFactory.instance
            .objectNode()
            .put("model", model.name())
            .put("version", version.toString())
            .put("deep", report.deep())
            .put("sound", report.sound())
            .put("objects", report.objects())
            .put("bytes", report.bytes());
    ArrayNode problems = json.putArray("problems");
    for (Verifier.Problem problem : report.problems()) {
      ObjectNode one =
          problems
              .addObject()
              .put("key", problem.key())
              .put("fault", fault(problem))
              .put("detail", problem.detail());
      problem.chunk().ifPresent(chunk -> one.put("chunk", chunk));
      problem.tensors().forEach(one.putArray("tensors")::add);
      problem.files().forEach(one.putArray("files")::add);
    }
    return json;
  }

  private void text(Digest version, Verifier.Report report, PrintWriter out) {
    for (Verifier.Problem problem : report.problems()) {
      out.printf(
          "%s %s%s: %s%n",
          fault(problem),
          problem.key(),
          problem.chunk().isPresent() ? " chunk " + problem.chunk().getAsInt() : "",
          problem.detail());
      problem.tensors().forEach(tensor -> out.printf("  tensor %s%n", tensor));
      problem.files().forEach(file -> out.printf("  file %s%n", file));
    }
    out.printf(
        "%s@%s: %d objects, %s, %s: %s%n",
        model.name(),
        version,
        report.objects(),
        ByteSize.format(report.bytes()),
        deep ? "every byte read" : "sizes looked at",
        report.sound() ? "sound" : report.problems().size() + " faults");
  }

  private static String fault(Verifier.Problem problem) {
    return problem.fault().name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
