package io.sluice.functions.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.job.WorkerRegistry;
import io.sluice.manifest.ModelManifest;
import io.sluice.model.Digest;
import io.sluice.model.ErrorKind;
import io.sluice.model.ModelRef;
import io.sluice.model.SluiceException;
import io.sluice.plan.PlanOptions;
import jakarta.enterprise.inject.Instance;
import jakarta.inject.Inject;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code demo}: the main job from end to end, on this machine, with a real model. */
@Command(
    name = "demo",
    description = {
      "Uploads a model into an embedded store, loads it by fan-out over workers, computes on it,"
          + " pulls it back and compares every byte. Leaves nothing behind."
    })
final class DemoCommand extends SluiceCommand {
  private static final long MIB = 1L << 20;
  private static final long LEAST_SHARD = 8 * MIB;
  private static final int SHARDS_A_WORKER = 3;

  @Option(
      names = "--workers",
      paramLabel = "N",
      defaultValue = "4",
      description = "Number of workers (default: ${DEFAULT-VALUE}).")
  int workers;

  @Option(
      names = "--memory",
      paramLabel = "SIZE",
      description = "Memory of each worker (default: twice its part of the model).")
  ByteSize memory;

  @Option(
      names = "--model",
      paramLabel = "PATH",
      description = "Folder or file of a model (default: all-MiniLM-L6-v2, which is built in).")
  Path path;

  @Inject Instance<WorkerRegistry> registry;
  @Inject LocalUpload localUpload;
  @Inject StoreSide store;
  @Inject Puller puller;

  @Override
  Needs needs() {
    LocalCluster.check(workers, 0);
    if (!Files.exists(model())) {
      throw new SluiceException(
          ErrorKind.MISSING, "source-missing", "there is no model at '" + model() + "'");
    }
    return Needs.STACK;
  }

  @Override
  public Integer call() throws Exception {
    Map<String, FileProof.Seen> source = FileProof.look(model());
    long bytes = source.values().stream().mapToLong(FileProof.Seen::size).sum();
    DemoReport report = new DemoReport(model(), source.size(), bytes, sluice.json ? null : out());
    LocalStack stack = LocalStack.current().orElseThrow();
    report.stack(stack);
    long budget = memory != null ? memory.bytes() : budget(bytes);
    Path pulled = Temporary.directory("sluice-demo");
    try (LocalCluster cluster =
        report.timed(() -> LocalCluster.start(stack, registry.get(), workers, budget, 0))) {
      report.workers(cluster.workers());
      run(report, cluster, pulled.resolve("model"), bytes, source);
    } finally {
      Temporary.delete(pulled);
    }
    report.finish(this);
    return 0;
  }

  private void run(
      DemoReport report,
      LocalCluster cluster,
      Path pulled,
      long bytes,
      Map<String, FileProof.Seen> source)
      throws Exception {
    ModelRef name = new ModelRef(name(), Optional.empty(), Optional.empty());
    Endpoint endpoint = new Endpoint(cluster.endpoint(), Optional.empty());

    JsonNode uploaded =
        shown(
            "upload",
            view ->
                localUpload.upload(
                    model(), name, PlanOptions.byLayer(shardBytes(bytes)), Optional.empty(), view));
    report.upload(uploaded);
    ModelRef version = name.at(Digest.parse(uploaded.get("version").asText()));

    report.load(job(endpoint, "load", LoadCommand.request(version, List.of(), null)));
    ObjectNode compute = LoadCommand.request(version, List.of(), null).put("operation", "stats");
    report.compute(job(endpoint, "compute", compute));
    if (path == null) {
      report.embed(DemoReport.SENTENCES, endpoint.post("embed", embed(version)));
    }

    ModelManifest manifest = store.manifests().load(name.name(), version.version().orElseThrow());
    report.pull(manifest, shown("pull", view -> puller.pull(manifest, pulled, false, view)));
    report.proof(report.timed(() -> FileProof.compare(source, pulled)));
  }

  private static ObjectNode embed(ModelRef version) {
    ObjectNode request = JsonNodeFactory.instance.objectNode().put("model", version.toString());
    DemoReport.SENTENCES.forEach(request.putArray("texts")::add);
    return request;
  }

  private JsonNode job(Endpoint endpoint, String function, ObjectNode request) throws Exception {
    return shown(
        function,
        view -> {
          String id = endpoint.post(function, request.put("wait", false)).get("id").asText();
          return JobFollower.result(new JobFollower(endpoint, view).follow(id));
        });
  }

  /**
   * Something with a progress bar, if there is a terminal; plain lines would only be in the way.
   */
  private <T> T shown(String what, Shown<T> body) throws Exception {
    try (ProgressView view =
        Terminal.isStandardError() || sluice.verbose
            ? progress(what)
            : ProgressView.silent(what, err())) {
      return body.call(view);
    }
  }

  /** See {@link #shown}. */
  private interface Shown<T> {
    T call(ProgressView view) throws Exception;
  }

  private Path model() {
    if (path != null) {
      return path;
    }
    String home = Optional.ofNullable(System.getenv("SLUICE_EMBEDDED_HOME")).orElse("");
    return Path.of(home, "models", "all-MiniLM-L6-v2");
  }

  /** The name of folder or file as the name of a model. */
  private String name() {
    Path last = model().toAbsolutePath().normalize().getFileName();
    String text = String.valueOf(last).replaceAll("[^A-Za-z0-9._-]", "-");
    return text.replaceFirst("^[^A-Za-z0-9]+", "").isEmpty()
        ? "model"
        : ResultText.cut(text.replaceFirst("^[^A-Za-z0-9]+", ""), 100);
  }

  /** Twice a worker's part of the model, so that no worker could hold it alone. */
  private long budget(long bytes) {
    return roundUp(Math.ceilDiv(2 * bytes, workers), 16 * MIB);
  }

  /** A few shards for every worker. */
  private long shardBytes(long bytes) {
    long wanted = roundUp(Math.ceilDiv(bytes, (long) workers * SHARDS_A_WORKER), MIB);
    return Math.max(LEAST_SHARD, Math.min(PlanOptions.DEFAULT_SHARD_BYTES, wanted));
  }

  private static long roundUp(long value, long unit) {
    return Math.ceilDiv(value, unit) * unit;
  }
}
