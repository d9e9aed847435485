package io.sluice.functions.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.copy.ModelStores;
import io.sluice.functions.bench.FanoutSubject;
import io.sluice.functions.bench.GeneratedModel;
import io.sluice.functions.bench.LoaderSubject;
import io.sluice.functions.bench.StoreSubject;
import io.sluice.functions.config.SluiceConfig;
import io.sluice.manifest.ModelManifest;
import io.sluice.measure.RawReader;
import io.sluice.measure.RawWriter;
import io.sluice.measure.Round;
import io.sluice.measure.Subject;
import io.sluice.measure.SubjectProcess;
import io.sluice.measure.TransferSpec;
import io.sluice.memory.SlabPool;
import io.sluice.model.ErrorKind;
import io.sluice.model.ShardDescriptor;
import io.sluice.model.SluiceException;
import io.sluice.storage.ShardStore;
import jakarta.enterprise.inject.Instance;
import jakarta.inject.Inject;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code bench}: how fast transfers are, beside what the machine could do. */
@Command(
    name = "bench",
    description = {
      "Measures transfers of generated data beside the ceiling, raw sockets to the same store, and"
          + " beside clients of others, in turn and each in a process of its own. Uses an embedded"
          + " store and leaves nothing behind.",
      "  load    the loader and the clients of the AWS SDK",
      "  upload  sluice upload",
      "  cache   a first and a second load, and each cache",
      "  fanout  1 to 16 workers with a bandwidth of their own each",
      "  stores  the configured stores beside each other, without loader and caches"
    })
final class BenchCommand extends SluiceCommand {
  private static final String RAW = "raw";
  private static final String SLUICE = "sluice";
  private static final List<String> PEERS = List.of("sdk-crt", "sdk-netty", "sdk-url");
  private static final String PEER = "peer";
  private static final String HOLDER = "holder";

  /** A worker that others can read from, and whose standard output is for its parent. */
  private static final Map<String, String> PEER_SETTINGS =
      Map.of(
          "quarkus.http.host", "127.0.0.1",
          "quarkus.http.port", "0",
          "sluice.auth.mode", "open",
          "quarkus.banner.enabled", "false",
          "quarkus.log.level", "WARN",
          "quarkus.log.console.stderr", "true");

  private static final long MAX_SHARD = 5L << 30;
  private static final long MIB = 1L << 20;

  /** What is measured. */
  enum Kind {
    load(1024 * MIB, 64 * MIB, 2, 5),
    upload(1024 * MIB, 64 * MIB, 5, 5),
    cache(256 * MIB, 64 * MIB, 1, 5),
    fanout(512 * MIB, 16 * MIB, 1, 2),
    stores(256 * MIB, 64 * MIB, 1, 3);

    private final long bytes;
    private final long shardBytes;
    private final int warmup;
    private final int repeat;

    Kind(long bytes, long shardBytes, int warmup, int repeat) {
      this.bytes = bytes;
      this.shardBytes = shardBytes;
      this.warmup = warmup;
      this.repeat = repeat;
    }
  }

  @Parameters(index = "0", paramLabel = "KIND", description = "${COMPLETION-CANDIDATES}.")
  Kind kind;

  @Option(
      names = "--size",
      paramLabel = "SIZE",
      description = "Bytes of the model (default: 1GiB, cache and stores 256MiB, fanout 512MiB).")
  ByteSize size;

  @Option(
      names = "--shard",
      paramLabel = "SIZE",
      description = "Bytes of a shard (default: 64MiB, fanout 16MiB).")
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
      description = "Requests in flight of a load, for all alike (default: ${DEFAULT-VALUE}).")
  int connections;

  @Option(
      names = "--repeat",
      paramLabel = "N",
      description = "Repetitions that count (default: 5, stores 3, fanout 2).")
  Integer repeat;

  @Option(
      names = "--warmup",
      paramLabel = "N",
      description = "Repetitions before that (default: load 2, upload 5, else 1).")
  Integer warmup;

  @Option(
      names = "--subjects",
      paramLabel = "NAME",
      split = ",",
      description = "Whom to measure besides the ceiling (default: all there are).")
  List<String> only;

  @Option(
      names = "--workers",
      paramLabel = "N",
      split = ",",
      defaultValue = "1,2,4,8,16",
      description = "fanout: numbers of workers (default: ${DEFAULT-VALUE}).")
  List<Integer> workers;

  @Option(
      names = "--bandwidth",
      paramLabel = "RATE",
      defaultValue = "75MB/s",
      description = "fanout: of each worker (default: ${DEFAULT-VALUE}, as on AWS Lambda).")
  ByteRate bandwidth;

  @Option(
      names = "--seconds",
      paramLabel = "N",
      defaultValue = "2.5",
      description = "fanout: how long each worker loads at least (default: ${DEFAULT-VALUE}).")
  double seconds;

  @Option(
      names = "--configured",
      description =
          "Use the S3 store that is configured (quarkus.s3.*, sluice.s3.*) instead of an embedded"
              + " one; everything lies below a prefix of its own and is deleted in the end.")
  boolean configured;

  @Option(
      names = "--store",
      paramLabel = "STORE",
      split = ",",
      description = "stores: which (default: s3 and all others that are configured).")
  List<String> stores;

  @Option(
      names = "--tls",
      description =
          "load, upload: by TLS, raw sockets and clients of others as well; a gate of this process"
              + " in front of the embedded store ends it.")
  boolean tls;

  @Option(names = "--subject", hidden = true)
  String subject;

  @Inject BenchBed bed;
  @Inject Instance<LoaderSubject> loader;
  @Inject Instance<FanoutSubject> fanout;
  @Inject Instance<UploadSubject> upload;
  @Inject Instance<ModelStores> modelStores;
  @Inject SluiceConfig config;

  private final Map<String, String> given = new LinkedHashMap<>();

  @Override
  Needs needs() {
    if (subject != null) {
      return isPeer() ? Needs.SERVER : Needs.STORE;
    }
    check("--size", bytes(), 1, SlabPool.MAX_BUDGET);
    check("--shard", shardBytes(), 1, Math.min(bytes(), MAX_SHARD));
    check("--chunk", chunk.bytes(), 1, ModelManifest.MAX_CHUNK_BYTES);
    check("--connections", connections, 1, 1024);
    check("--repeat", repeat(), 1, 1000);
    check("--warmup", warmup(), 0, 1000);
    workers.forEach(n -> check("--workers", n, 1, 256));
    check("--seconds", (long) seconds, 0, 3600);
    if (tls && (configured || (kind != Kind.load && kind != Kind.upload))) {
      throw new SluiceException(
          ErrorKind.INVALID,
          "bench-invalid",
          "--tls goes with load and upload and the embedded store: a configured one has TLS if its"
              + " endpoint is https");
    }
    // Before the embedded stack becomes the configuration.
    for (String name : System.getProperties().stringPropertyNames()) {
      given.put(name, System.getProperty(name));
    }
    return Needs.STACK;
  }

  /** Whether this process is one of two workers of which one reads from the other. */
  private boolean isPeer() {
    return subject.equals(PEER) || subject.equals(HOLDER);
  }

  private static void check(String option, long value, long min, long max) {
    if (value < min || value > max) {
      throw new SluiceException(
          ErrorKind.INVALID,
          "bench-invalid",
          option + " is " + min + " to " + max + ", got " + value);
    }
  }

  private long bytes() {
    return size != null ? size.bytes() : kind.bytes;
  }

  private long shardBytes() {
    return shard != null ? shard.bytes() : Math.min(kind.shardBytes, bytes());
  }

  private int repeat() {
    return repeat != null ? repeat : kind.repeat;
  }

  private int warmup() {
    return warmup != null ? warmup : kind.warmup;
  }

  /** Of the embedded stack, a configured store leaves only Redis. */
  @Override
  Map<String, String> settings() {
    if (subject != null) {
      return isPeer() ? PEER_SETTINGS : Map.of();
    }
    if (configured) {
      for (String name : LocalStack.current().orElseThrow().settings().keySet()) {
        if (given.containsKey(name)) {
          System.setProperty(name, given.get(name));
        } else if (!name.startsWith("quarkus.redis.")) {
          System.clearProperty(name);
        }
      }
    }
    return BenchBed.settings();
  }

  @Override
  public Integer call() throws Exception {
    if (subject != null) {
      return SubjectProcess.serve(System.in, out(), this::subject);
    }
    if (kind != Kind.stores) {
      bed.access(); // before anything is stored: only in S3 there is a prefix to do it below
    }
    try {
      switch (kind) {
        case load -> load();
        case upload -> upload();
        case cache -> cache();
        case fanout -> fanout();
        case stores -> stores();
      }
      return 0;
    } finally {
      bed.close();
    }
  }

  /** What this process does as a child of a measurement. */
  private Subject subject(JsonNode work) throws IOException, InterruptedException {
    boolean raw = subject.equals(RAW);
    return switch (kind) {
      case load ->
          raw ? new RawReader(spec(work)) : loader.get().of(spec(work), LoaderSubject.Keep.NOTHING);
      case upload -> raw ? new RawWriter(work) : upload.get().of(work, err());
      case cache -> raw ? new RawReader(spec(work)) : loader.get().of(spec(work), keep(subject));
      case fanout -> fanout.get().of(FanoutSubject.Work.read(work));
      case stores -> throw usage("stores are measured by one process");
    };
  }

  private static TransferSpec spec(JsonNode work) {
    return TransferSpec.read(work);
  }

  private static LoaderSubject.Keep keep(String tier) {
    return switch (tier) {
      case "store" -> LoaderSubject.Keep.NOTHING;
      case "memory", HOLDER -> LoaderSubject.Keep.EVERYTHING;
      default -> LoaderSubject.Keep.UNTIL_NEXT;
    };
  }

  private void load() throws IOException, InterruptedException {
    TransferSpec spec = generate();
    List<BenchProcess> subjects = new ArrayList<>();
    try (ProgressView view = progress("bench")) {
      subjects.add(bed.own(kind.name(), RAW, spec.toJson(), worker(spec)));
      if (wanted(SLUICE)) {
        subjects.add(bed.own(kind.name(), SLUICE, spec.toJson(), worker(spec)));
      }
      for (String peer : PEERS) {
        // The TLS of aws-crt is not that of Java and trusts nobody but the machine's authorities.
        if (wanted(peer) && !(tls && peer.equals("sdk-crt"))) {
          bed.peer(peer, spec.toJson()).ifPresent(subjects::add);
        }
      }
      BenchRun run = run(subjects, view);
      ObjectNode json = describe(spec.bytes(), spec.shards().size());
      json.set("subjects", run.toJson());
      Optional<String> peer = run.cheapest("sdk-").filter(name -> wanted(SLUICE));
      peer.ifPresent(name -> json.set("bestPeer", run.beside(SLUICE, name)));
      print(
          json,
          out -> {
            out.println(headline(json));
            run.print(out);
            peer.ifPresent(
                name ->
                    out.printf(
                        Locale.ROOT,
                        "sluice beside %s: %.2f of its speed, %.2f of its CPU%n",
                        name,
                        run.ratio(SLUICE, name, Round::gigabytesPerSecond).median(),
                        run.ratio(SLUICE, name, Round::cpuPerGib).median()));
          });
    }
  }

  private void upload() throws IOException, InterruptedException {
    Path file = bed.folder().resolve("model.safetensors");
    GeneratedModel.write(file, bytes());
    if (tls) {
      bed.encrypt();
    }
    ObjectNode work =
        JsonNodeFactory.instance
            .objectNode()
            .put("path", file.toString())
            .put("shardBytes", shardBytes())
            .put("connections", Math.min(connections, 4));
    work.set("access", bed.access().toJson());
    List<BenchProcess> subjects = new ArrayList<>();
    try (ProgressView view = progress("bench")) {
      subjects.add(bed.own(kind.name(), RAW, work, Map.of()));
      if (wanted(SLUICE)) {
        subjects.add(bed.own(kind.name(), SLUICE, work, Map.of()));
      }
      BenchRun run = run(subjects, view);
      ObjectNode json = describe(bytes(), Math.toIntExact(Math.ceilDiv(bytes(), shardBytes())));
      json.put("connections", work.get("connections").intValue());
      json.set("subjects", run.toJson());
      print(
          json,
          out -> {
            out.println(headline(json));
            run.print(out);
          });
    }
  }

  private void cache() throws IOException, InterruptedException {
    TransferSpec spec = generate();
    List<BenchProcess> subjects = new ArrayList<>();
    try (ProgressView view = progress("bench")) {
      subjects.add(bed.own(kind.name(), RAW, spec.toJson(), worker(spec)));
      for (String tier : List.of("store", "memory", PEER, "disk", "redis", "memcached")) {
        Optional<Map<String, String>> caches = wanted(tier) ? caches(tier, spec) : Optional.empty();
        if (caches.isPresent()) {
          Map<String, String> settings = new LinkedHashMap<>(worker(spec));
          settings.putAll(caches.get());
          if (tier.equals(PEER)) {
            bed.own(kind.name(), HOLDER, spec.toJson(), settings).round();
          }
          subjects.add(bed.own(kind.name(), tier, spec.toJson(), settings));
        }
      }
      BenchRun run = run(subjects, view);
      ObjectNode json = describe(spec.bytes(), spec.shards().size());
      json.set("subjects", run.toJson());
      print(
          json,
          out -> {
            out.println(headline(json));
            run.print(out);
          });
    }
  }

  /** Settings of a worker with that cache; empty if this machine cannot have it. */
  private Optional<Map<String, String>> caches(String name, TransferSpec spec)
      throws IOException, InterruptedException {
    return switch (name) {
      case "disk" ->
          Optional.of(
              Map.of(
                  "sluice.cache.tiers", "memory,disk",
                  "sluice.cache.disk.root", bed.folder().resolve("disk").toString(),
                  "sluice.cache.disk.max-bytes", Long.toString(2 * spec.bytes())));
      case "redis" ->
          Optional.of(
              Map.of(
                  "sluice.cache.tiers",
                  "memory,redis",
                  "sluice.cache.redis.url",
                  LocalStack.current().orElseThrow().settings().get("quarkus.redis.hosts") + "/1"));
      case "memcached" ->
          bed.memcached(spec.bytes())
              .map(
                  address ->
                      Map.of(
                          "sluice.cache.tiers",
                          "memory,memcached",
                          "sluice.cache.memcached.servers",
                          address));
      case PEER -> Optional.of(Map.of("sluice.cache.tiers", "memory,peer"));
      default -> Optional.of(Map.of());
    };
  }

  private void fanout() throws IOException, InterruptedException {
    TransferSpec spec = generate();
    int shards =
        Math.max(1, (int) Math.ceil(seconds * bandwidth.bytesPerSecond() / (double) shardBytes()));
    FanoutSubject.Work work =
        new FanoutSubject.Work(spec, workers, bandwidth.bytesPerSecond(), shards);
    try (ProgressView view = progress("bench")) {
      BenchProcess workersProcess = bed.own(kind.name(), SLUICE, work.toJson(), Map.of());
      BenchFanout run = new BenchFanout(work);
      run.run(workersProcess, warmup(), repeat(), view);
      ObjectNode json = describe(spec.bytes(), spec.shards().size());
      run.describe(json);
      print(
          json,
          out -> {
            out.println(headline(json));
            run.print(out);
          });
    }
  }

  private void stores() throws Exception {
    StoreSubject.Sizes sizes =
        new StoreSubject.Sizes(
            Math.toIntExact(Math.ceilDiv(bytes(), shardBytes())),
            shardBytes(),
            Math.min(config.load().request().asLongValue(), shardBytes()),
            connections);
    Map<String, StoreSubject> subjects = new LinkedHashMap<>();
    try (ProgressView view = progress("bench")) {
      opened().forEach((name, store) -> subjects.put(name, new StoreSubject(store, sizes)));
      BenchStores run = new BenchStores();
      run.run(subjects, warmup(), repeat(), view);
      ObjectNode json =
          JsonNodeFactory.instance
              .objectNode()
              .put("bench", kind.name())
              .put("embedded", !configured)
              .put("processors", Runtime.getRuntime().availableProcessors())
              .put("objects", sizes.objects())
              .put("objectBytes", sizes.objectBytes())
              .put("requestBytes", sizes.requestBytes())
              .put("connections", connections)
              .put("repeat", repeat())
              .put("warmup", warmup());
      run.describe(json);
      print(
          json,
          out -> {
            out.printf(
                "stores: %d objects of %s, %d reads of %s at once, %d turns after %d to warm up, %d"
                    + " CPUs%n",
                sizes.objects(),
                ByteSize.format(sizes.objectBytes()),
                connections,
                ByteSize.format(sizes.requestBytes()),
                repeat(),
                warmup(),
                json.get("processors").intValue());
            run.print(out);
          });
    } finally {
      subjects.values().forEach(StoreSubject::close);
    }
  }

  /** The stores that were named, or all that are configured. */
  private Map<String, ShardStore> opened() {
    Map<String, ShardStore> opened = new LinkedHashMap<>();
    if (stores != null) {
      stores.forEach(name -> opened.put(name, modelStores.get().open(name).objects()));
      return opened;
    }
    for (SluiceConfig.StoreKind each : SluiceConfig.StoreKind.values()) {
      try {
        opened.put(each.text(), modelStores.get().open(each.text()).objects());
      } catch (SluiceException e) {
        if (!e.code().equals("config-invalid")) {
          throw e;
        }
        // What lacks its settings is not configured, and not compared.
      }
    }
    return opened;
  }

  private TransferSpec generate() throws IOException, InterruptedException {
    List<ShardDescriptor> shards;
    try (ProgressView view = progress("generate")) {
      shards = bed.generate(bytes(), shardBytes(), Math.min(chunk.bytes(), shardBytes()), view);
    }
    if (tls) {
      bed.encrypt();
    }
    return new TransferSpec(bed.access(), connections, shards);
  }

  private BenchRun run(List<BenchProcess> subjects, ProgressView view) throws InterruptedException {
    view.count("turns");
    BenchRun run = new BenchRun(subjects.stream().map(BenchProcess::name).toList());
    run.run(subjects, warmup(), repeat(), view);
    return run;
  }

  private boolean wanted(String name) {
    return only == null || only.contains(name);
  }

  /** A worker that has room for everything, and for requests that are made twice; no caches. */
  private Map<String, String> worker(TransferSpec spec) {
    long memory = spec.shards().stream().mapToLong(s -> SlabPool.footprint(s.size())).sum();
    return Map.of(
        "sluice.worker.memory", Long.toString(memory + 4 * SlabPool.footprint(chunk.bytes())),
        "sluice.cache.tiers", "memory",
        "sluice.load.parallelism", Integer.toString(connections));
  }

  private ObjectNode describe(long bytes, int shards) {
    return JsonNodeFactory.instance
        .objectNode()
        .put("bench", kind.name())
        .put("endpoint", bed.access().endpoint().toString())
        .put("embedded", !configured)
        .put("processors", Runtime.getRuntime().availableProcessors())
        .put("bytes", bytes)
        .put("shards", shards)
        .put("shardBytes", shardBytes())
        .put("chunkBytes", Math.min(chunk.bytes(), shardBytes()))
        .put("connections", connections)
        .put("repeat", repeat())
        .put("warmup", warmup());
  }

  private String headline(ObjectNode json) {
    return "%s: %s in %d shards, chunks of %s, %d connections, %d turns after %d to warm up, %s, %d CPUs"
        .formatted(
            kind,
            ByteSize.format(json.get("bytes").longValue()),
            json.get("shards").intValue(),
            ByteSize.format(json.get("chunkBytes").longValue()),
            json.get("connections").intValue(),
            repeat(),
            warmup(),
            json.get("endpoint").textValue(),
            json.get("processors").intValue());
  }
}
