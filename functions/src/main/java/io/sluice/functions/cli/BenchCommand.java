package io.sluice.functions.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.functions.bench.GeneratedShards;
import io.sluice.functions.bench.LoaderSubject;
import io.sluice.functions.config.SluiceConfig;
import io.sluice.manifest.ModelManifest;
import io.sluice.measure.RawReader;
import io.sluice.measure.Round;
import io.sluice.measure.StoreAccess;
import io.sluice.measure.Subject;
import io.sluice.measure.SubjectProcess;
import io.sluice.measure.TransferSpec;
import io.sluice.memory.SlabPool;
import io.sluice.model.ErrorKind;
import io.sluice.model.ShardDescriptor;
import io.sluice.model.SluiceException;
import io.sluice.storage.ObjectInfo;
import io.sluice.storage.ShardStore;
import jakarta.enterprise.inject.Instance;
import jakarta.inject.Inject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.eclipse.microprofile.config.ConfigProvider;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code bench}: how fast transfers are, beside what the machine could do. */
@Command(
    name = "bench",
    description = {
      "Measures transfers of generated shards beside the ceiling, raw sockets to the same store, and"
          + " beside clients of others, in turn and each in a process of its own. Uses an embedded"
          + " store and leaves nothing behind."
    })
final class BenchCommand extends SluiceCommand {
  private static final String PREFIX = "sluice.s3.prefix";
  private static final long S3_MAX_PUT = 5L << 30;
  private static final String RAW = "raw";
  private static final String SLUICE = "sluice";
  private static final List<String> PEERS = List.of("sdk-crt", "sdk-netty", "sdk-url");

  /** What is measured. */
  enum Kind {
    load
  }

  @Parameters(index = "0", paramLabel = "KIND", description = "${COMPLETION-CANDIDATES}.")
  Kind kind;

  @Option(
      names = "--size",
      paramLabel = "SIZE",
      defaultValue = "1GiB",
      description = "Bytes of the model (default: ${DEFAULT-VALUE}).")
  ByteSize size;

  @Option(
      names = "--shard",
      paramLabel = "SIZE",
      defaultValue = "64MiB",
      description = "Bytes of a shard (default: ${DEFAULT-VALUE}).")
  ByteSize shard;

  @Option(
      names = "--chunk",
      paramLabel = "SIZE",
      defaultValue = "8MiB",
      description = "Bytes of a chunk, read by one request (default: ${DEFAULT-VALUE}).")
  ByteSize chunk;

  @Option(
      names = "--connections",
      paramLabel = "N",
      defaultValue = "16",
      description = "Requests in flight, for all alike (default: ${DEFAULT-VALUE}).")
  int connections;

  @Option(
      names = "--repeat",
      paramLabel = "N",
      defaultValue = "5",
      description = "Repetitions that count (default: ${DEFAULT-VALUE}).")
  int repeat;

  @Option(
      names = "--warmup",
      paramLabel = "N",
      defaultValue = "2",
      description = "Repetitions before that do not count (default: ${DEFAULT-VALUE}).")
  int warmup;

  @Option(
      names = "--subjects",
      paramLabel = "NAME",
      split = ",",
      description = "Whom to measure besides the ceiling (default: all there are).")
  List<String> only;

  @Option(
      names = "--configured",
      description =
          "Use the store that is configured (quarkus.s3.*) instead of an embedded one; everything"
              + " lies below a prefix of its own and is deleted in the end.")
  boolean configured;

  @Option(names = "--subject", hidden = true)
  String subject;

  @Inject SluiceConfig config;
  @Inject Instance<ShardStore> store;
  @Inject Instance<StoreAccess> access;
  @Inject Instance<LoaderSubject> loader;

  @Override
  Needs needs() {
    if (subject != null) {
      return Needs.STORE;
    }
    check("--size", size.bytes(), 1, SlabPool.MAX_BUDGET);
    check("--shard", shard.bytes(), 1, Math.min(size.bytes(), S3_MAX_PUT));
    check("--chunk", chunk.bytes(), 1, Math.min(shard.bytes(), ModelManifest.MAX_CHUNK_BYTES));
    check("--connections", connections, 1, 1024);
    check("--repeat", repeat, 1, 1000);
    check("--warmup", warmup, 0, 1000);
    return configured || sluice.local ? Needs.STORE : Needs.STACK;
  }

  private static void check(String option, long value, long min, long max) {
    if (value < min || value > max) {
      throw new SluiceException(
          ErrorKind.INVALID,
          "bench-invalid",
          option + " is " + min + " to " + max + ", got " + value);
    }
  }

  /** A prefix of its own, so that everything can be deleted. */
  @Override
  Map<String, String> settings() {
    if (subject != null) {
      return Map.of();
    }
    String before = ConfigProvider.getConfig().getOptionalValue(PREFIX, String.class).orElse("");
    String folder = "bench-" + UUID.randomUUID().toString().substring(0, 8);
    return Map.of(
        PREFIX, before.isEmpty() || before.endsWith("/") ? before + folder : before + "/" + folder);
  }

  @Override
  public Integer call() throws Exception {
    if (subject != null) {
      return SubjectProcess.serve(System.in, out(), this::subject);
    }
    Path logs = Temporary.directory("sluice-bench");
    try {
      return load(logs);
    } finally {
      deleteAll();
      Temporary.delete(logs);
    }
  }

  private Subject subject(JsonNode work) throws IOException {
    TransferSpec spec = TransferSpec.read(work);
    return switch (subject) {
      case RAW -> new RawReader(spec);
      case SLUICE -> loader.get().of(spec, false);
      default -> throw usage("there is no subject '" + subject + "'");
    };
  }

  private int load(Path logs) throws InterruptedException {
    List<ShardDescriptor> shards;
    try (ProgressView view = progress("generate")) {
      view.count("shards");
      List<Long> stored = new ArrayList<>();
      long count = Math.ceilDiv(size.bytes(), shard.bytes());
      shards =
          GeneratedShards.store(
              store.get(),
              size.bytes(),
              shard.bytes(),
              Math.toIntExact(chunk.bytes()),
              bytes -> {
                stored.add(bytes);
                view.update(
                    stored.size(), count, stored.stream().mapToLong(b -> b).sum(), size.bytes());
              });
    }
    TransferSpec spec = new TransferSpec(access.get(), connections, shards);
    List<BenchProcess> subjects = new ArrayList<>();
    try (ProgressView view = progress("bench")) {
      view.count("turns");
      subjects.add(own(RAW, spec, logs));
      if (wanted(SLUICE)) {
        subjects.add(own(SLUICE, spec, logs));
      }
      for (String peer : PEERS) {
        Optional<Path> jar = peers();
        if (wanted(peer) && jar.isPresent()) {
          List<String> command = new ArrayList<>(CommandProcess.java());
          command.addAll(List.of("-jar", jar.get().toString(), "peer", peer));
          subjects.add(BenchProcess.start(peer, command, Map.of(), spec.toJson(), logs));
        }
      }
      BenchRun run = new BenchRun(subjects.stream().map(BenchProcess::name).toList());
      run.run(subjects, warmup, repeat, view);
      report(run, spec);
      return 0;
    } finally {
      subjects.forEach(BenchProcess::close);
    }
  }

  private boolean wanted(String name) {
    return only == null || only.contains(name);
  }

  private BenchProcess own(String name, TransferSpec spec, Path logs) throws InterruptedException {
    List<String> command = new ArrayList<>(CommandProcess.self());
    command.addAll(List.of("bench", kind.name(), "--subject", name));
    return BenchProcess.start(name, command, environment(spec), spec.toJson(), logs);
  }

  /** What leads a child to the store of this process. */
  private Map<String, String> environment(TransferSpec spec) {
    Map<String, String> environment = new LinkedHashMap<>();
    System.getProperties()
        .stringPropertyNames()
        .forEach(
            name -> {
              if (name.startsWith("quarkus.s3.")
                  || name.startsWith("quarkus.redis.")
                  || name.startsWith("sluice.")) {
                environment.put(CommandProcess.variable(name), System.getProperty(name));
              }
            });
    long memory = spec.shards().stream().mapToLong(s -> SlabPool.footprint(s.size())).sum();
    environment.put("SLUICE_WORKER_MEMORY", Long.toString(memory));
    environment.put("SLUICE_LOAD_PARALLELISM", Integer.toString(connections));
    return environment;
  }

  private static Optional<Path> peers() {
    return Optional.ofNullable(System.getenv("SLUICE_BENCH_HOME"))
        .map(home -> Path.of(home, "sluice-bench.jar").toAbsolutePath())
        .filter(Files::isRegularFile);
  }

  private void deleteAll() {
    ShardStore all = store.get();
    List<String> keys = new ArrayList<>();
    all.list("", (ObjectInfo object) -> keys.add(object.key()));
    keys.forEach(all::delete);
  }

  private void report(BenchRun run, TransferSpec spec) {
    ObjectNode json =
        JsonNodeFactory.instance
            .objectNode()
            .put("bench", kind.name())
            .put("endpoint", spec.access().endpoint().toString())
            .put("embedded", !configured)
            .put("bytes", spec.bytes())
            .put("shards", spec.shards().size())
            .put("shardBytes", shard.bytes())
            .put("chunkBytes", chunk.bytes())
            .put("connections", connections)
            .put("repeat", repeat)
            .put("warmup", warmup)
            .put("processors", Runtime.getRuntime().availableProcessors());
    json.set("subjects", run.toJson());
    Optional<String> peer = run.cheapest("sdk-");
    if (peer.isPresent() && wanted(SLUICE)) {
      ObjectNode best = json.putObject("bestPeer").put("name", peer.get());
      best.set("speedOfPeer", run.ratio(SLUICE, peer.get(), Round::gigabytesPerSecond).toJson());
      best.set("cpuOfPeer", run.ratio(SLUICE, peer.get(), Round::cpuPerGib).toJson());
    }
    print(
        json,
        out -> {
          out.printf(
              "%s in %d shards, chunks of %s, %d connections, %d turns after %d to warm up, %s%n",
              ByteSize.format(spec.bytes()),
              spec.shards().size(),
              ByteSize.format(chunk.bytes()),
              connections,
              repeat,
              warmup,
              spec.access().endpoint());
          run.print(out);
          peer.filter(p -> wanted(SLUICE))
              .ifPresent(
                  name ->
                      out.printf(
                          java.util.Locale.ROOT,
                          "sluice beside %s: %.2f of its speed, %.2f of its CPU%n",
                          name,
                          run.ratio(SLUICE, name, Round::gigabytesPerSecond).median(),
                          run.ratio(SLUICE, name, Round::cpuPerGib).median()));
        });
  }
}
