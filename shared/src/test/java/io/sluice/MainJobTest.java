package io.sluice;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.compute.ComputeKind;
import io.sluice.compute.ComputeSpec;
import io.sluice.compute.ComputeThreads;
import io.sluice.compute.MapReduce;
import io.sluice.compute.ShardAccess;
import io.sluice.compute.compare.CompareProgram;
import io.sluice.compute.convert.ConvertProgram;
import io.sluice.compute.publish.ModelPublisher;
import io.sluice.compute.publish.TransferLoans;
import io.sluice.compute.stats.StatsOperation;
import io.sluice.format.SafetensorsHeader;
import io.sluice.job.Job;
import io.sluice.job.JobKind;
import io.sluice.job.JobRunner;
import io.sluice.job.JobSettings;
import io.sluice.job.JobState;
import io.sluice.job.JobWaiter;
import io.sluice.job.ShardPins;
import io.sluice.job.Worker;
import io.sluice.job.WorkerRegistry;
import io.sluice.job.redis.RedisJobSignals;
import io.sluice.job.redis.RedisJobStore;
import io.sluice.job.redis.RedisShardPins;
import io.sluice.job.redis.RedisTime;
import io.sluice.job.redis.RedisWorkerRegistry;
import io.sluice.load.ChunkReader;
import io.sluice.load.LoadKind;
import io.sluice.load.LoadSpec;
import io.sluice.load.OpenShard;
import io.sluice.load.Replicas;
import io.sluice.load.ShardLoader;
import io.sluice.manifest.ManifestCodec;
import io.sluice.manifest.ManifestRepository;
import io.sluice.manifest.ModelManifest;
import io.sluice.manifest.StoredManifests;
import io.sluice.manifest.redis.RedisManifestIndex;
import io.sluice.memory.HeldShards;
import io.sluice.memory.SlabPool;
import io.sluice.model.ByteRange;
import io.sluice.model.Crc32c;
import io.sluice.model.DType;
import io.sluice.model.Digest;
import io.sluice.model.Keys;
import io.sluice.model.ModelRef;
import io.sluice.model.SluiceException;
import io.sluice.model.TensorInfo;
import io.sluice.pins.OwnedPins;
import io.sluice.plan.PlanOptions;
import io.sluice.plan.TensorGlobs;
import io.sluice.redis.RedisClient;
import io.sluice.redis.TestRedis;
import io.sluice.source.FolderSource;
import io.sluice.storage.ObjectInfo;
import io.sluice.storage.ReadObserver;
import io.sluice.storage.ShardReader;
import io.sluice.storage.ShardStore;
import io.sluice.storage.TransientStorageException;
import io.sluice.storage.file.FileShardStore;
import io.sluice.upload.ModelSource;
import io.sluice.upload.TransferMemory;
import io.sluice.upload.UploadKind;
import io.sluice.upload.UploadSpec;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Upload, load and compute by two workers in one process, over a store of files and a real Redis.
 */
class MainJobTest {
  private static final Duration LEASE = Duration.ofMinutes(2);

  private static final int WORKERS = 2;
  private static final long BUDGET = 16 << 20;

  @TempDir Path temp;

  private final RedisClient redis = TestRedis.shared().client();
  private final String prefix = TestRedis.prefix();
  private final List<Instance> instances = new ArrayList<>();
  private final RedisJobStore jobs =
      new RedisJobStore(redis, prefix, JobSettings.defaults().withLeaseTtl(LEASE));
  private final RedisJobSignals signals = new RedisJobSignals(redis, prefix);
  private final WorkerRegistry registry =
      new RedisWorkerRegistry(redis, prefix, LEASE.multipliedBy(2));
  private final ShardPins pins =
      new RedisShardPins(redis, prefix, Duration.ofMinutes(1), Duration.ofMinutes(1));

  /** Called before each read of the source. */
  private interface BeforeRead {
    void accept(ByteRange range) throws InterruptedException;
  }

  private final LongAdder sourceBytes = new LongAdder();
  private volatile BeforeRead beforeRead = range -> {};
  private ShardStore store;
  private ManifestRepository manifests;

  @BeforeEach
  void start() throws IOException {
    store = new FileShardStore(Files.createDirectories(temp.resolve("store")));
    manifests =
        new StoredManifests(
            store,
            new RedisManifestIndex(redis, prefix),
            new OwnedPins(pins),
            new ManifestCodec(),
            InstantSource.system(),
            8,
            1 << 20);
    for (int i = 0; i < WORKERS; i++) {
      instances.add(new Instance("w" + i));
    }
  }

  @AfterEach
  void stop() {
    instances.forEach(Instance::close);
    signals.close();
    store.close();
  }

  @ParameterizedTest
  @CsvSource({"size,1", "size,2", "count,3", "layer,4", "layer,5"})
  void everyFileComesBackByteForByte(String strategy, long seed) throws Exception {
    Path model = write("model", seed, 40);
    PlanOptions options =
        switch (strategy) {
          case "size" -> PlanOptions.bySize(100_000);
          case "count" -> PlanOptions.byCount(7);
          default -> PlanOptions.byLayer(200_000);
        };

    JsonNode uploaded = upload(model, "m", options, OptionalInt.empty());

    ModelManifest manifest = manifest("m");
    assertThat(uploaded.get("S").longValue()).isEqualTo(manifest.totalBytes());
    assertThat(bytesUnder(Keys.SHARDS)).isEqualTo(manifest.totalBytes());
    for (ModelManifest.File file : manifest.files()) {
      byte[] source = Files.readAllBytes(model.resolve(file.path()));
      assertThat(reassemble(manifest, file)).as(file.path()).isEqualTo(source);
      assertThat(file.crc32c()).hasValue(Crc32c.of(MemorySegment.ofArray(source)));
      assertThat(file.digest())
          .isEqualTo(
              file.path().endsWith(".safetensors")
                  ? Optional.empty()
                  : Optional.of(Digest.sha256(source)));
    }
  }

  @Test
  void theSourceIsReadOnce() throws Exception {
    Path model = write("model", 8, 60);
    long bytes = 0;
    try (FolderSource source = new FolderSource(model, p -> true)) {
      bytes = source.files().stream().mapToLong(file -> file.size()).sum();
    }
    upload(model, "m", PlanOptions.bySize(60_000), OptionalInt.empty());

    long skeletons = bytesUnder(Keys.SKELETONS);
    // The plan reads the headers, which are a part of the skeletons, and so do the tasks.
    assertThat(sourceBytes.sum()).isBetween(bytes, bytes + 2 * skeletons);
  }

  @Test
  void aCancelledUploadStopsSoonAndStoresNothingMore() throws Exception {
    Path model = write("model", 10, 60);
    UploadSpec spec =
        new UploadSpec(
            model.toString(),
            ModelRef.parse("m"),
            PlanOptions.bySize(60_000),
            Optional.empty(),
            OptionalInt.empty());
    CountDownLatch reading = new CountDownLatch(WORKERS);
    CountDownLatch never = new CountDownLatch(1);
    beforeRead =
        range -> {
          if (range.length() > 10_000) { // a shard, not a header
            reading.countDown();
            never.await();
          }
        };
    String id = jobs.create(UploadKind.UPLOAD, spec.toJson(), Optional.empty());
    instances.forEach(i -> i.runner.join(id));
    assertThat(reading.await(1, TimeUnit.MINUTES)).isTrue();
    long before = bytesUnder(Keys.SHARDS);
    assertThat(jobs.cancel(id)).isTrue();

    Eventually.eventually(
        "all to stop", () -> instances.stream().allMatch(i -> i.runner.running().isEmpty()));
    assertThat(bytesUnder(Keys.SHARDS)).isEqualTo(before);
    assertThat(jobs.get(id).state()).isEqualTo(JobState.CANCELLED);
    assertThatThrownBy(() -> manifest("m")).isInstanceOf(SluiceException.class);
  }

  @Test
  void whoeverAsksGetsTheDigestOfEveryFile() throws Exception {
    Path model = write("model", 9, 40);
    UploadSpec spec =
        new UploadSpec(
            model.toString(),
            ModelRef.parse("m"),
            PlanOptions.bySize(60_000),
            Optional.empty(),
            OptionalInt.empty(),
            true);
    assertThat(UploadSpec.read(spec.toJson())).isEqualTo(spec);
    run(UploadKind.UPLOAD, spec.toJson());

    for (ModelManifest.File file : manifest("m").files()) {
      byte[] source = Files.readAllBytes(model.resolve(file.path()));
      assertThat(file.digest()).as(file.path()).contains(Digest.sha256(source));
    }
  }

  @Test
  void theSameModelSendsNothingAndAChangedOneOnlyWhatIsNew() throws Exception {
    Path model = write("model", 7, 60);
    PlanOptions options = PlanOptions.bySize(60_000);
    JsonNode first = upload(model, "m", options, OptionalInt.empty());
    JsonNode again = upload(model, "other", options, OptionalInt.empty());

    assertThat(first.at("/sent/bytes")).isEqualTo(first.get("S"));
    assertThat(again.at("/sent/shards").intValue()).isZero();
    assertThat(again.get("version")).isEqualTo(first.get("version"));

    Path changed = model.resolve("part-1.safetensors");
    byte[] bytes = Files.readAllBytes(changed);
    bytes[bytes.length - 1] ^= 1;
    Files.write(changed, bytes);
    JsonNode second = upload(model, "m", options, OptionalInt.empty());

    assertThat(second.get("version")).isNotEqualTo(first.get("version"));
    assertThat(second.at("/sent/shards").intValue()).isEqualTo(1);
  }

  @Test
  void loadsAllThenComputesWhereTheShardsLie() throws Exception {
    Path model = write("model", 11, 50);
    upload(model, "m", PlanOptions.bySize(100_000), OptionalInt.of(1_000));
    JsonNode loaded = load("m", List.of(), OptionalInt.empty());

    assertThat(loaded.get("L")).isEqualTo(loaded.get("S"));
    assertThat(loaded.get("P").intValue()).isEqualTo(WORKERS);
    long held =
        instances.stream()
            .flatMap(i -> i.held.snapshot().values().stream())
            .mapToLong(h -> h.coverage().bytes())
            .sum();
    assertThat(held).isEqualTo(loaded.get("L").longValue());

    JsonNode answer = compute("m", List.of());
    assertThat(answer.get("N").intValue()).isEqualTo(manifest("m").shards().size());
    JsonNode tensors = answer.at("/result/tensors");
    for (ModelManifest.Tensor tensor : manifest("m").tensors()) {
      JsonNode stats = tensors.get(tensor.info().name());
      assertThat(stats.get("count").longValue())
          .as(tensor.info().name())
          .isEqualTo(tensor.info().elements());
    }

    JsonNode again = load("m", List.of(), OptionalInt.empty());
    assertThat(again.findValuesAsText("source")).containsOnly("memory");
  }

  @Test
  void computesWhatIsInNoMemoryAndFreesItAgain() throws Exception {
    Path model = write("model", 12, 30);
    upload(model, "m", PlanOptions.bySize(100_000), OptionalInt.empty());

    JsonNode answer = compute("m", List.of("layers.1.*"));

    JsonNode tensors = answer.at("/result/tensors");
    assertThat(tensors.size()).isPositive();
    tensors.fieldNames().forEachRemaining(name -> assertThat(name).startsWith("layers.1."));
    for (Instance instance : instances) {
      assertThat(instance.held.snapshot()).isEmpty();
      assertThat(instance.pool.usedBytes()).isZero();
    }
  }

  @Test
  void aSelectiveLoadHoldsOnlyWhatItNeeds() throws Exception {
    Path model = write("model", 13, 60);
    upload(model, "m", PlanOptions.bySize(200_000), OptionalInt.empty());

    JsonNode loaded = load("m", List.of("layers.2.*"), OptionalInt.empty());

    assertThat(loaded.get("L").longValue()).isPositive().isLessThan(loaded.get("S").longValue());
    assertThatThrownBy(() -> load("m", List.of("layers.99.*"), OptionalInt.empty()))
        .isInstanceOfSatisfying(
            SluiceException.class, e -> assertThat(e.code()).isEqualTo("tensors-unknown"));
  }

  @Test
  void tasksPerWorkerMakesPAndItsBoundIsKept() throws Exception {
    Path model = write("model", 14, 60);
    upload(model, "m", PlanOptions.byCount(4), OptionalInt.empty());

    JsonNode two = load("m", List.of(), OptionalInt.of(2));
    assertThat(two.get("P").intValue()).isEqualTo(2);
    assertThat(two.get("T").intValue()).isEqualTo(2);
    assertThatThrownBy(() -> load("m", List.of(), OptionalInt.of(1)))
        .isInstanceOf(SluiceException.class)
        .hasMessageContaining("4");
  }

  @Test
  void aLoadThatDoesNotFitIsRefusedBeforeAByteMoves() throws Exception {
    Path model = temp.resolve("big");
    Files.createDirectories(model);
    writeSafetensors(
        model.resolve("model.safetensors"),
        List.of(new TensorInfo("w", DType.U8, List.of(40L, 1L << 20))),
        new Random(1));
    upload(model, "m", PlanOptions.bySize(4 << 20), OptionalInt.empty());

    assertThatThrownBy(() -> load("m", List.of(), OptionalInt.empty()))
        .isInstanceOfSatisfying(
            SluiceException.class, e -> assertThat(e.code()).isEqualTo("placement-does-not-fit"));
    instances.forEach(i -> assertThat(i.pool.usedBytes()).isZero());
  }

  @Test
  void whenAWorkerIsLostAfterItsTasksItsShardsAreLoadedAgain() throws Exception {
    Path model = write("model", 15, 50);
    upload(model, "m", PlanOptions.byCount(4), OptionalInt.empty());
    // A worker that takes tasks and is gone before the load is committed.
    Instance doomed = new Instance("w9");
    String id = jobs.create(LoadKind.LOAD, loadSpec("m"), Optional.empty());
    var claim = jobs.claim(id, "w9", BUDGET);
    var plan = (io.sluice.job.Lease.PlanLease) claim;
    Job job = jobs.get(id);
    jobs.planned(plan, doomed.load.plan(job, new PlanningContext(job, List.of("w9"))));
    while (jobs.claim(id, "w9", BUDGET) instanceof io.sluice.job.Lease.TaskLease task) {
      jobs.complete(
          task,
          JsonNodeFactory.instance
              .objectNode()
              .put("shard", task.task().payload().get("shard").intValue())
              .put("incarnation", doomed.worker.incarnation())
              .put("bytes", 1)
              .put("seconds", 0)
              .put("source", "store"));
    }
    doomed.close();
    // the commit that it had taken is free again
    RedisTime.passes(redis, prefix, LEASE);

    JsonNode loaded = finish(id);

    assertThat(loaded.get("L")).isEqualTo(loaded.get("S"));
    assertThat(loaded.get("workers").findValuesAsText("id")).doesNotContain("w9");
  }

  @Test
  void aConversionIsTheSameForEveryCutAndKeepsWhatDoesNotChange() throws Exception {
    Path model = write("model", 21, 60);
    upload(model, "fine", PlanOptions.bySize(40_000), OptionalInt.empty());
    upload(model, "coarse", PlanOptions.byCount(2), OptionalInt.empty());

    JsonNode fine = compute("fine", "convert", List.of(), "to", "F16", "output", "fine:f16");
    JsonNode coarse = compute("coarse", "convert", List.of(), "to", "F16", "output", "coarse:f16");

    assertThat(fine.at("/result/tensors").size()).isPositive();
    assertThat(coarse.at("/result/tensors")).isEqualTo(fine.at("/result/tensors"));
    JsonNode same = compute("fine:f16", "compare", List.of(), "with", "coarse:f16");
    assertThat(same.at("/result/equal").booleanValue()).as(same.toString()).isTrue();
    assertThat(same.at("/result/summary/compared").intValue()).isPositive();
    ModelManifest made = manifest("fine:f16");
    assertThat(made.tensors()).hasSameSizeAs(manifest("fine").tensors());
    assertThat(made.provenance().orElseThrow().parents().getFirst().version())
        .isEqualTo(manifests.resolve(ModelRef.parse("fine")).version());
    for (ModelManifest.File file : made.files()) {
      file.digest()
          .ifPresent(
              digest ->
                  assertThat(Digest.sha256(reassemble(made, file)))
                      .as(file.path())
                      .isEqualTo(digest));
    }
    assertThat(made.files().stream().map(ModelManifest.File::path))
        .contains("config.json", "tokenizer.json", "model.safetensors.index.json");

    // Once more, and of one tensor: nothing else is made.
    JsonNode again = compute("fine", "convert", List.of(), "to", "F16", "output", "fine:f16");
    assertThat(again.at("/result/version")).isEqualTo(fine.at("/result/version"));
    String one =
        manifest("fine").tensors().stream()
            .filter(t -> t.info().dtype() == DType.F32 && t.info().bytes() > 0)
            .filter(t -> t.pieces().size() == 1)
            .findFirst()
            .orElseThrow()
            .info()
            .name();
    JsonNode single = compute("fine", "convert", List.of(one), "to", "BF16", "output", "fine:one");
    assertThat(single.at("/result/shardsMade").intValue()).isEqualTo(1);
    JsonNode differing = compute("fine", "compare", List.of(), "with", "fine:one");
    assertThat(differing.at("/result/tensors").has(one)).isTrue();
    assertThat(differing.at("/N").intValue()).isEqualTo(1);
    assertThat(differing.at("/result/summary/identical").intValue()).isPositive();
    instances.forEach(i -> assertThat(i.pool.usedBytes()).isZero());
  }

  @Test
  void conversionsThatCannotBeAreRefusedByName() throws Exception {
    Path model = temp.resolve("small");
    Files.createDirectories(model);
    writeSafetensors(
        model.resolve("model.safetensors"),
        List.of(
            new TensorInfo("ints", DType.I64, List.of(4L)),
            new TensorInfo("w", DType.F32, List.of(4L, 33L)),
            new TensorInfo("w.scale", DType.U8, List.of(1L))),
        new Random(1));
    upload(model, "m", PlanOptions.bySize(4096), OptionalInt.empty());
    Map<String[], String> wrong =
        Map.of(
            new String[] {"to", "F99", "output", "n"}, "'to' is one of",
            new String[] {"to", "F16"}, "output",
            new String[] {"to", "F16", "output", "n@sha256:" + "0".repeat(64)}, "cannot be given",
            new String[] {"to", "F16", "output", "n", "overflow", "x"}, "'overflow' is",
            new String[] {"to", "Q4_0", "output", "n"}, "no tensor of 'm' becomes Q4_0",
            new String[] {"to", "I8", "output", "n"}, "'w.scale'",
            new String[] {"to", "F16", "output", "n", "typo", "x"}, "typo");
    for (Map.Entry<String[], String> one : wrong.entrySet()) {
      assertThatThrownBy(() -> compute("m", "convert", List.of(), one.getKey()))
          .isInstanceOf(SluiceException.class)
          .hasMessageContaining(one.getValue());
    }
    assertThatThrownBy(() -> compute("m", "convert", List.of("ints"), "to", "F16", "output", "n"))
        .hasMessageContaining("'ints'")
        .hasMessageContaining("I64");
    assertThatThrownBy(() -> compute("m", "compare", List.of("nope*"), "with", "m"))
        .hasMessageContaining("'nope*'");
  }

  @Test
  void copiesOfAWorkerThatIsLostAreLoadedByOthersThatHaveNone() throws Exception {
    Path model = write("model", 16, 50);
    upload(model, "m", PlanOptions.byCount(4), OptionalInt.empty());
    Instance doomed = new Instance("w9");
    ModelRef name = ModelRef.parse("m");
    LoadSpec spec =
        new LoadSpec(name, new TensorGlobs(List.of()), OptionalInt.empty(), Replicas.of(2));
    String id = jobs.create(LoadKind.LOAD, spec.toJson(), Optional.empty());
    var plan = (io.sluice.job.Lease.PlanLease) jobs.claim(id, "w9", BUDGET);
    Job job = jobs.get(id);
    // Of the two who live as far as the plan knows, one dies.
    jobs.planned(plan, doomed.load.plan(job, new PlanningContext(job, List.of("w9", "w0"))));
    int done = 0;
    while (jobs.claim(id, "w9", BUDGET) instanceof io.sluice.job.Lease.TaskLease task) {
      var result =
          JsonNodeFactory.instance
              .objectNode()
              .put("shard", task.task().payload().get("shard").intValue())
              .put("incarnation", doomed.worker.incarnation())
              .put("bytes", 1)
              .put("seconds", 0)
              .put("source", "store");
      result.putObject("sources").put("store", 1);
      jobs.complete(task, result);
      done++;
    }
    assertThat(done).isPositive();
    doomed.close();
    // the commit that it had taken is free again
    RedisTime.passes(redis, prefix, LEASE);

    JsonNode loaded = finish(id);

    assertThat(loaded.get("L").longValue()).isEqualTo(2 * loaded.get("S").longValue());
    assertThat(loaded.get("N").intValue()).isEqualTo(8);
    Map<Integer, java.util.Set<String>> workersOf = new HashMap<>();
    for (JsonNode worker : loaded.get("workers")) {
      assertThat(worker.get("id").textValue()).isNotEqualTo("w9");
      for (JsonNode shard : worker.get("shards")) {
        assertThat(
                workersOf
                    .computeIfAbsent(shard.get("index").intValue(), s -> new java.util.HashSet<>())
                    .add(worker.get("id").textValue()))
            .isTrue();
      }
    }
    assertThat(workersOf.values()).hasSize(4).allSatisfy(w -> assertThat(w).hasSize(2));
  }

  private JsonNode upload(Path folder, String name, PlanOptions options, OptionalInt perWorker)
      throws InterruptedException {
    UploadSpec spec =
        new UploadSpec(
            folder.toString(), ModelRef.parse(name), options, Optional.empty(), perWorker);
    return run(UploadKind.UPLOAD, spec.toJson());
  }

  private JsonNode load(String name, List<String> globs, OptionalInt perWorker)
      throws InterruptedException {
    LoadSpec spec = new LoadSpec(ModelRef.parse(name), new TensorGlobs(globs), perWorker);
    return run(LoadKind.LOAD, spec.toJson());
  }

  private static JsonNode loadSpec(String name) {
    return new LoadSpec(ModelRef.parse(name), new TensorGlobs(List.of()), OptionalInt.empty())
        .toJson();
  }

  private JsonNode compute(String name, List<String> globs) throws InterruptedException {
    return compute(name, "stats", globs);
  }

  /** Computes; arguments are pairs of a name and a text. */
  private JsonNode compute(String name, String operation, List<String> globs, String... arguments)
      throws InterruptedException {
    ObjectNode args = JsonNodeFactory.instance.objectNode();
    for (int i = 0; i < arguments.length; i += 2) {
      args.put(arguments[i], arguments[i + 1]);
    }
    ComputeSpec spec =
        new ComputeSpec(
            ModelRef.parse(name), operation, args, new TensorGlobs(globs), OptionalInt.empty());
    return run(ComputeKind.COMPUTE, spec.toJson());
  }

  private JsonNode run(String kind, JsonNode request) throws InterruptedException {
    return finish(jobs.create(kind, request, Optional.empty()));
  }

  private JsonNode finish(String id) throws InterruptedException {
    instances.stream().filter(i -> !i.closed).forEach(i -> i.runner.join(id));
    Job job = new JobWaiter(jobs, signals).await(id, Duration.ofMinutes(1));
    if (job.error().isPresent()) {
      throw job.error().get().toException();
    }
    assertThat(job.state()).isEqualTo(JobState.SUCCEEDED);
    return job.result().orElseThrow();
  }

  private ModelManifest manifest(String name) {
    ModelRef ref = ModelRef.parse(name);
    return manifests.load(ref.name(), manifests.resolve(ref).version());
  }

  private long bytesUnder(String keys) {
    List<Long> sizes = new ArrayList<>();
    store.list(keys, info -> sizes.add(info.size()));
    return sizes.stream().mapToLong(Long::longValue).sum();
  }

  /** A file from its skeleton and its tensors, byte by byte as the manifest says. */
  private byte[] reassemble(ModelManifest manifest, ModelManifest.File file) {
    byte[] bytes = new byte[Math.toIntExact(file.size())];
    boolean[] filled = new boolean[bytes.length];
    for (ModelManifest.Tensor tensor : manifest.tensors()) {
      if (manifest.files().get(tensor.file()) == file) {
        int at = Math.toIntExact(tensor.fileOffset());
        for (ModelManifest.Piece piece : tensor.pieces()) {
          String key = Keys.shard(manifest.shards().get(piece.shard()).digest());
          byte[] rows = read(key, new ByteRange(piece.offset(), piece.length()));
          for (byte b : rows) {
            bytes[at] = b;
            filled[at++] = true;
          }
        }
      }
    }
    if (file.skeleton().isPresent()) {
      byte[] skeleton =
          read(
              Keys.skeleton(file.skeleton().get().digest()),
              new ByteRange(0, file.skeleton().get().size()));
      int next = 0;
      for (int i = 0; i < bytes.length; i++) {
        if (!filled[i]) {
          bytes[i] = skeleton[next++];
        }
      }
    }
    return bytes;
  }

  private byte[] read(String key, ByteRange range) {
    byte[] bytes = new byte[Math.toIntExact(range.length())];
    store.read(key, Optional.empty(), range, MemorySegment.ofArray(bytes));
    return bytes;
  }

  /** A folder of two safetensors files, an index, a configuration and a tokenizer. */
  private Path write(String name, long seed, int tensors) throws IOException {
    Path folder = Files.createDirectories(temp.resolve(name));
    Random random = new Random(seed);
    DType[] dtypes = {
      DType.F32, DType.BF16, DType.F16, DType.I64, DType.U8, DType.F8_E4M3, DType.F64, DType.BOOL
    };
    List<List<TensorInfo>> parts = List.of(new ArrayList<>(), new ArrayList<>());
    StringBuilder map = new StringBuilder();
    for (int i = 0; i < tensors; i++) {
      List<Long> shape =
          switch (random.nextInt(6)) {
            case 0 -> List.of();
            case 1 -> List.of(0L, 5L);
            case 2 -> List.of(1L + random.nextInt(500));
            case 3 -> List.of(300L + random.nextInt(300), 256L);
            default -> List.of(1L + random.nextInt(40), 1L + random.nextInt(40));
          };
      TensorInfo info =
          new TensorInfo(
              "layers." + i % 4 + ".t" + i, dtypes[random.nextInt(dtypes.length)], shape);
      int part = i < tensors / 2 ? 0 : 1;
      parts.get(part).add(info);
      map.append(map.isEmpty() ? "" : ",")
          .append('"')
          .append(info.name())
          .append("\":\"part-")
          .append(part)
          .append(".safetensors\"");
    }
    for (int part = 0; part < 2; part++) {
      writeSafetensors(folder.resolve("part-" + part + ".safetensors"), parts.get(part), random);
    }
    Files.writeString(
        folder.resolve("model.safetensors.index.json"), "{\"weight_map\":{" + map + "}}");
    Files.writeString(folder.resolve("config.json"), "{\"hidden_size\":384}\n");
    Files.writeString(folder.resolve("tokenizer.json"), "{}" + "x".repeat(5000));
    return folder;
  }

  private static void writeSafetensors(Path file, List<TensorInfo> tensors, Random random)
      throws IOException {
    SafetensorsHeader header = SafetensorsHeader.of(tensors, Map.of("format", "pt"));
    try (OutputStream out = Files.newOutputStream(file)) {
      out.write(header.toBytes());
      for (TensorInfo tensor : tensors) {
        byte[] bytes = new byte[Math.toIntExact(tensor.bytes())];
        random.nextBytes(bytes);
        if (tensor.dtype() == DType.BOOL) {
          for (int i = 0; i < bytes.length; i++) {
            bytes[i] &= 1;
          }
        }
        out.write(bytes);
      }
    }
  }

  private ModelSource counted(FolderSource source) {
    ShardReader reader =
        new ShardReader() {
          @Override
          public ObjectInfo head(String key) {
            return source.head(key);
          }

          @Override
          public void read(
              String key,
              Optional<String> etag,
              ByteRange range,
              MemorySegment target,
              ReadObserver observer) {
            try {
              beforeRead.accept(range);
            } catch (InterruptedException e) {
              Thread.currentThread().interrupt();
              throw new TransientStorageException(key, 0, "interrupted", e);
            }
            source.read(key, etag, range, target, observer);
            sourceBytes.add(range.length());
          }
        };
    return new ModelSource() {
      @Override
      public List<ObjectInfo> files() {
        return source.files();
      }

      @Override
      public ShardReader reader() {
        return reader;
      }

      @Override
      public void close() {
        source.close();
      }
    };
  }

  /** A worker: what a serving process is made of. */
  private final class Instance implements AutoCloseable {
    final SlabPool pool = new SlabPool(BUDGET);
    final HeldShards held = new HeldShards();
    final TransferMemory transfer = new TransferMemory(32 << 20);
    final Map<Digest, String> told = new HashMap<>();
    final Worker worker;
    final JobRunner runner;
    final LoadKind load;
    final ComputeThreads threads = new ComputeThreads(2);
    boolean closed;

    Instance(String id) {
      String incarnation = UUID.randomUUID().toString();
      worker =
          new Worker(id, incarnation, "http://" + id, Instant.now(), BUDGET, pool.freeBytes(), 0);
      registry.register(worker);
      ShardLoader loader = new ShardLoader(new ChunkReader(store, 8, 2), pool, held);
      load = new LoadKind(manifests, registry, loader, incarnation, this::tell);
      List<JobKind> kinds =
          List.of(
              new UploadKind(
                  UploadKind.UPLOAD,
                  source -> counted(new FolderSource(Path.of(source), p -> true)),
                  store,
                  manifests,
                  pins,
                  transfer),
              load,
              new ComputeKind(
                  List.of(
                      new MapReduce(
                          new StatsOperation(), manifests, registry, access(loader), threads),
                      new CompareProgram(manifests, registry, access(loader), threads),
                      new ConvertProgram(
                          manifests,
                          registry,
                          access(loader),
                          threads,
                          new ModelPublisher(
                              store, manifests, pins, new TransferLoans(transfer))))));
      runner =
          new JobRunner(
              jobs, signals, registry, kinds, pool::freeBytes, JobRunner.Settings.of(id, 3));
    }

    private synchronized void tell() {
      held.snapshot().forEach((shard, what) -> told.put(shard, what.coverage().toString()));
      registry.updateHeld(worker, told, List.of());
    }

    @Override
    public void close() {
      closed = true;
      runner.close();
      registry.deregister(worker);
      held.snapshot().values().stream()
          .flatMap(h -> h.owners().stream())
          .toList()
          .forEach(held::release);
      pool.close();
      transfer.close();
      threads.close();
    }
  }

  private static ShardAccess access(ShardLoader loader) {
    return (shard, runs, progress) -> {
      OpenShard open = loader.open(shard, runs, progress);
      return new ShardAccess.Open() {
        @Override
        public MemorySegment bytes(ByteRange range) {
          return open.bytes(range);
        }

        @Override
        public void close() {
          open.close();
        }
      };
    };
  }

  /** What a planning step sees when the test plans by hand: one worker. */
  private final class PlanningContext implements io.sluice.job.JobContext {
    private final Job job;
    private final List<String> ids;

    PlanningContext(Job job, List<String> ids) {
      this.job = job;
      this.ids = ids;
    }

    @Override
    public Job job() {
      return job;
    }

    @Override
    public String workerId() {
      return "w9";
    }

    @Override
    public JsonNode shared() {
      throw new IllegalStateException("there is no plan yet");
    }

    @Override
    public List<Worker> workers() {
      return registry.live().stream().filter(w -> ids.contains(w.id())).toList();
    }

    @Override
    public void addBytes(long bytes) {}

    @Override
    public boolean cancelled() {
      return false;
    }

    @Override
    public void check() {}
  }
}
