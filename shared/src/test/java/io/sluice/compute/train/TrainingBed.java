package io.sluice.compute.train;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.compute.ComputeKind;
import io.sluice.compute.ComputeSpec;
import io.sluice.compute.ShardAccess;
import io.sluice.compute.StoredTensors;
import io.sluice.compute.publish.ModelPublisher;
import io.sluice.compute.publish.TransferLoans;
import io.sluice.compute.train.redis.RedisExchange;
import io.sluice.format.SafetensorsHeader;
import io.sluice.job.Job;
import io.sluice.job.JobEvent;
import io.sluice.job.JobKind;
import io.sluice.job.JobRunner;
import io.sluice.job.JobSettings;
import io.sluice.job.ShardPins;
import io.sluice.job.WorkSummary;
import io.sluice.job.Worker;
import io.sluice.job.WorkerRegistry;
import io.sluice.job.redis.RedisJobSignals;
import io.sluice.job.redis.RedisJobStore;
import io.sluice.job.redis.RedisShardPins;
import io.sluice.job.redis.RedisWorkerRegistry;
import io.sluice.load.ChunkReader;
import io.sluice.load.OpenShard;
import io.sluice.load.ShardLoader;
import io.sluice.manifest.ManifestCodec;
import io.sluice.manifest.ManifestRepository;
import io.sluice.manifest.ModelManifest;
import io.sluice.manifest.StoredManifests;
import io.sluice.manifest.redis.RedisManifestIndex;
import io.sluice.memory.HeldShards;
import io.sluice.memory.SlabPool;
import io.sluice.model.ByteRange;
import io.sluice.model.Digest;
import io.sluice.model.ModelRef;
import io.sluice.model.TensorInfo;
import io.sluice.pins.OwnedPins;
import io.sluice.plan.PlanOptions;
import io.sluice.redis.RedisClient;
import io.sluice.redis.TestRedis;
import io.sluice.source.FolderSource;
import io.sluice.storage.ShardStore;
import io.sluice.storage.file.FileShardStore;
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
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;

/** Workers in one process over a store of files and a real Redis, that train and predict. */
final class TrainingBed implements AutoCloseable {
  private static final long BUDGET = 64 << 20;
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path temp;
  final RedisClient redis = TestRedis.shared().client();
  final String prefix = TestRedis.prefix();
  final RedisJobStore jobs;
  private final RedisJobSignals signals = new RedisJobSignals(redis, prefix);
  final WorkerRegistry registry = new RedisWorkerRegistry(redis, prefix, Duration.ofMinutes(1));
  private final ShardPins pins =
      new RedisShardPins(redis, prefix, Duration.ofMinutes(1), Duration.ofMinutes(1));
  final ShardStore store;
  final ManifestRepository manifests;
  final Map<String, Instance> workers = new LinkedHashMap<>();

  /** Largest value that the rounds keep out of the store. */
  int spill = 1 << 20;

  /** With leases that outlive any pause of a busy machine. */
  TrainingBed(Path temp) throws IOException {
    this(temp, Duration.ofMinutes(2));
  }

  /**
   * @param lease how long a step belongs to a worker that says nothing
   */
  TrainingBed(Path temp, Duration lease) throws IOException {
    this.temp = temp;
    jobs = new RedisJobStore(redis, prefix, JobSettings.defaults().withLeaseTtl(lease));
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
  }

  Instance worker(String id) {
    return worker(id, BUDGET, 32 << 20);
  }

  /** A worker with so much memory for shards and for decoded rows. */
  Instance worker(String id, long budget, long rows) {
    Instance instance = new Instance(id, budget, rows);
    workers.put(id, instance);
    return instance;
  }

  @Override
  public void close() {
    workers.values().forEach(Instance::close);
    signals.close();
    store.close();
    redis.close();
  }

  /** A tensor with its bytes. */
  record Content(TensorInfo info, byte[] bytes) {}

  /** Uploads tensors as one safetensors file, in shards of about so many bytes. */
  JsonNode upload(String model, long shardBytes, Content... tensors) throws Exception {
    Path folder = Files.createDirectories(temp.resolve("source-" + UUID.randomUUID()));
    List<TensorInfo> infos = new ArrayList<>();
    for (Content tensor : tensors) {
      infos.add(tensor.info());
    }
    try (OutputStream out = Files.newOutputStream(folder.resolve("data.safetensors"))) {
      out.write(SafetensorsHeader.of(infos, Map.of()).toBytes());
      for (Content tensor : tensors) {
        out.write(tensor.bytes());
      }
    }
    return uploadFolder(model, folder, shardBytes);
  }

  /** Uploads a file of the test data. */
  JsonNode uploadFile(String model, String name, long shardBytes) throws Exception {
    Path folder = Files.createDirectories(temp.resolve("source-" + UUID.randomUUID()));
    Files.copy(Path.of("../src/test/resources/datasets/" + name), folder.resolve(name));
    return uploadFolder(model, folder, shardBytes);
  }

  private JsonNode uploadFolder(String model, Path folder, long shardBytes) throws Exception {
    UploadSpec spec =
        new UploadSpec(
            folder.toString(),
            ModelRef.parse(model),
            PlanOptions.bySize(shardBytes),
            Optional.empty(),
            OptionalInt.empty());
    Job job = run(jobs.create(UploadKind.UPLOAD, spec.toJson(), Optional.empty()));
    return result(job);
  }

  static JsonNode json(String text) {
    try {
      return JSON.readTree(text.replace('\'', '"'));
    } catch (IOException e) {
      throw new AssertionError(text, e);
    }
  }

  /** Starts a computation. */
  String start(String model, String operation, String arguments) {
    ComputeSpec spec =
        ComputeSpec.read(
            json(
                "{'model': '"
                    + model
                    + "', 'operation': '"
                    + operation
                    + "', 'arguments': "
                    + arguments
                    + "}"));
    return jobs.create(ComputeKind.COMPUTE, spec.toJson(), Optional.empty());
  }

  /** Lets all workers work on a job to its end. */
  Job run(String id) throws Exception {
    List<CompletableFuture<WorkSummary>> all =
        workers.values().stream().filter(w -> !w.closed).map(w -> w.runner.join(id)).toList();
    for (CompletableFuture<WorkSummary> one : all) {
      one.get();
    }
    return jobs.get(id);
  }

  static JsonNode result(Job job) {
    assertThat(job.error()).isEmpty();
    return job.result().orElseThrow();
  }

  JsonNode compute(String model, String operation, String arguments) throws Exception {
    return result(run(start(model, operation, arguments)));
  }

  /** The error of a computation that has to fail. */
  String failure(String model, String operation, String arguments) throws Exception {
    Job job = run(start(model, operation, arguments));
    return job.error()
        .map(e -> e.code() + ": " + e.message())
        .orElseThrow(() -> new AssertionError("succeeded: " + job.result()));
  }

  List<JsonNode> rounds(String job) {
    return jobs.events(job, JobEvent.START, 1_000).stream()
        .filter(e -> e.type() == JobEvent.Type.ROUND)
        .map(e -> e.data().get("note"))
        .toList();
  }

  ModelManifest manifest(String ref) {
    ModelRef parsed = ModelRef.parse(ref);
    Digest version = manifests.resolve(parsed).version();
    return manifests.load(parsed.name(), version);
  }

  /** The floats of a tensor. */
  float[] floats(String ref, String tensor) throws Exception {
    byte[] bytes = bytes(ref, tensor);
    float[] floats = new float[bytes.length / 4];
    java.nio.ByteBuffer.wrap(bytes)
        .order(java.nio.ByteOrder.LITTLE_ENDIAN)
        .asFloatBuffer()
        .get(floats);
    return floats;
  }

  byte[] bytes(String ref, String tensor) throws Exception {
    ModelRef parsed = ModelRef.parse(ref);
    Digest version = manifests.resolve(parsed).version();
    StoredTensors tensors = workers.values().iterator().next().tensors;
    StoredTensors.Located found = tensors.locate(parsed.name(), version, tensor);
    byte[] bytes = new byte[(int) found.info().bytes()];
    tensors.read(found, 0, found.info().rows(), MemorySegment.ofArray(bytes), n -> {});
    return bytes;
  }

  /** A worker. */
  final class Instance implements AutoCloseable {
    final SlabPool pool;
    final HeldShards held = new HeldShards();
    final TransferMemory transfer = new TransferMemory(32 << 20);
    final PartitionCache cache;
    final StoredTensors tensors;
    final Worker worker;
    final JobRunner runner;
    boolean closed;

    Instance(String id, long budget, long rows) {
      pool = new SlabPool(budget);
      cache = new PartitionCache(rows);
      worker =
          new Worker(
              id,
              UUID.randomUUID().toString(),
              "http://" + id,
              Instant.now(),
              budget,
              pool.freeBytes(),
              0);
      registry.register(worker);
      ShardLoader loader = new ShardLoader(new ChunkReader(store, 8, 2), pool, held);
      tensors = new StoredTensors(manifests, access(loader));
      ModelPublisher publisher =
          new ModelPublisher(store, manifests, pins, new TransferLoans(transfer));
      Exchange exchange =
          new SpillingExchange(
              new RedisExchange(redis, prefix, Duration.ofMinutes(10)), store, spill);
      List<JobKind> kinds =
          List.of(
              new UploadKind(
                  UploadKind.UPLOAD,
                  source -> new FolderSource(Path.of(source), p -> true),
                  store,
                  manifests,
                  pins,
                  transfer),
              new ComputeKind(
                  List.of(
                      new TrainProgram(
                          manifests, registry, tensors, publisher, store, exchange, cache),
                      new PredictProgram(manifests, registry, tensors, publisher, store, cache))));
      runner =
          new JobRunner(
              jobs, signals, registry, kinds, pool::freeBytes, JobRunner.Settings.of(id, 3));
    }

    @Override
    public void close() {
      if (!closed) {
        closed = true;
        runner.close();
        registry.deregister(worker);
        pool.close();
        transfer.close();
      }
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
}
