package io.sluice.upload;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.format.ByteSource;
import io.sluice.format.Checkpoint;
import io.sluice.format.CheckpointReader;
import io.sluice.format.FileLayout;
import io.sluice.job.CommitOutcome;
import io.sluice.job.FanOut;
import io.sluice.job.Job;
import io.sluice.job.JobContext;
import io.sluice.job.JobKind;
import io.sluice.job.JobPlan;
import io.sluice.job.Lease;
import io.sluice.job.ShardPins;
import io.sluice.job.TaskResult;
import io.sluice.job.TaskResults;
import io.sluice.job.TaskSpec;
import io.sluice.job.Worker;
import io.sluice.manifest.ManifestRepository;
import io.sluice.manifest.ModelManifest;
import io.sluice.model.ByteRange;
import io.sluice.model.Digest;
import io.sluice.model.ErrorKind;
import io.sluice.model.Keys;
import io.sluice.model.ShardDescriptor;
import io.sluice.plan.PlanTensor;
import io.sluice.plan.ShardPlan;
import io.sluice.plan.ShardPlanner;
import io.sluice.storage.ObjectInfo;
import io.sluice.storage.ShardReader;
import io.sluice.storage.ShardStore;
import io.sluice.storage.StoredBytes;
import io.sluice.upload.UploadPlan.PlannedFile;
import io.sluice.upload.UploadPlan.PlannedTensor;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.LongConsumer;

/**
 * The upload of a model as a job: the plan reads the headers of the source files, each task builds
 * and stores one shard or what remains of one file, and the commit publishes the manifest.
 *
 * <p>Shards are named by their content, so a task that is done twice, by two workers or in two
 * uploads, stores one object.
 */
public final class UploadKind implements JobKind {
  /** Kind of an upload whose source every worker can read. */
  public static final String UPLOAD = "upload";

  /** Kind of an upload from a folder that only this machine can read. */
  public static final String UPLOAD_LOCAL = "upload-local";

  /** How long to wait for an object that is just being collected as garbage. */
  private static final Duration PIN = Duration.ofSeconds(30);

  private static final String SHARD = "shard";
  private static final String FILE = "file";

  /** Ranges of the source that are read at once for one shard, unless said otherwise. */
  public static final int DEFAULT_READS = 4;

  private final String kind;
  private final SourceOpener sources;
  private final ShardStore store;
  private final ManifestRepository manifests;
  private final ShardPins pins;
  private final TransferMemory memory;
  private final int reads;
  private final PlanCache plans = new PlanCache();

  /** With {@link #DEFAULT_READS}. */
  public UploadKind(
      String kind,
      SourceOpener sources,
      ShardStore store,
      ManifestRepository manifests,
      ShardPins pins,
      TransferMemory memory) {
    this(kind, sources, store, manifests, pins, memory, DEFAULT_READS);
  }

  /**
   * @param kind {@link #UPLOAD} or {@link #UPLOAD_LOCAL}
   * @param sources opens the source that a request names
   * @param store where shards and skeletons go
   * @param manifests where the manifest goes
   * @param pins keeps what the upload reuses from being collected as garbage
   * @param memory bounds the shards in flight
   * @param reads ranges of the source that are read at once for one shard
   */
  public UploadKind(
      String kind,
      SourceOpener sources,
      ShardStore store,
      ManifestRepository manifests,
      ShardPins pins,
      TransferMemory memory,
      int reads) {
    if (reads < 1) {
      throw new UploadException(
          ErrorKind.INVALID, "upload-settings-invalid", "an upload needs 1 <= reads, got " + reads);
    }
    this.kind = kind;
    this.sources = sources;
    this.store = store;
    this.manifests = manifests;
    this.pins = pins;
    this.memory = memory;
    this.reads = reads;
  }

  @Override
  public String kind() {
    return kind;
  }

  @Override
  public JobPlan plan(Job job, JobContext context) {
    UploadSpec spec = UploadSpec.read(job.request());
    UploadPlan plan;
    try (ModelSource source = sources.open(spec.source())) {
      plan = plan(source, spec);
    }
    List<TaskSpec> tasks = new ArrayList<>();
    for (int i = 0; i < plan.shards().size(); i++) {
      long size = new ShardBuilder(plan, i).size();
      if (size > memory.bytes()) {
        throw new UploadException(
            ErrorKind.CAPACITY,
            "upload-memory-too-small",
            "shard "
                + i
                + " would have "
                + size
                + " bytes, the upload memory is "
                + memory.bytes()
                + " bytes; make shards smaller or the upload memory larger");
      }
      tasks.add(task(SHARD, i, size));
    }
    for (int i = 0; i < plan.files().size(); i++) {
      FileLayout file = plan.files().get(i).layout();
      long rest = file.skeletonBytes();
      boolean whole = spec.fileDigests() && rest < file.size();
      tasks.add(task(FILE, i, whole ? rest + file.size() : rest));
    }
    return new JobPlan(
        spread(tasks, context.workers(), spec.tasksPerWorker()), false, plan.toJson());
  }

  @Override
  public JsonNode execute(Lease.TaskLease lease, JobContext context) throws InterruptedException {
    UploadPlan plan = plans.of(context);
    UploadSpec spec = UploadSpec.read(context.job().request());
    int index = lease.task().payload().get("index").intValue();
    try (ModelSource source = sources.open(spec.source())) {
      return lease.task().payload().get("type").textValue().equals(SHARD)
          ? shard(plan, index, source.reader(), context)
          : file(plan, index, spec.fileDigests(), source.reader(), context);
    }
  }

  @Override
  public CommitOutcome commit(Job job, TaskResults results, JobContext context) {
    UploadSpec spec = UploadSpec.read(job.request());
    UploadPlan plan = plans.of(context);
    List<JsonNode> shards = new ArrayList<>();
    List<JsonNode> files = new ArrayList<>();
    Set<String> workers = new HashSet<>();
    for (TaskResult result : results) {
      // The tasks of the shards come first, see plan().
      (result.number() < plan.shards().size() ? shards : files).add(result.result());
      workers.add(result.workerId());
    }
    ModelManifest manifest = ManifestAssembler.assemble(plan, shards, files);
    ManifestRepository.Published published =
        manifests.publish(
            spec.model().name(),
            manifest,
            Optional.of(spec.model().tagOrDefault()),
            spec.expected());
    pins.unpin(job.id());
    ObjectNode answer = answer(spec, manifest, published, shards);
    FanOut.write(answer, results.size(), workers.size(), spec.tasksPerWorker());
    return CommitOutcome.done(answer);
  }

  @Override
  public void left(String job) {
    plans.forget(job);
  }

  private static UploadPlan plan(ModelSource source, UploadSpec spec) {
    Map<String, ObjectInfo> infos = new HashMap<>();
    List<ByteSource> bytes = new ArrayList<>();
    for (ObjectInfo info : source.files()) {
      infos.put(info.key(), info);
      bytes.add(new SourceBytes(source.reader(), info));
    }
    Checkpoint checkpoint = CheckpointReader.read(bytes);
    List<PlannedFile> files = new ArrayList<>();
    for (FileLayout layout : checkpoint.files()) {
      if (layout.skeletonBytes() > SkeletonReader.MAX_SKELETON) {
        throw new UploadException(
            ErrorKind.INVALID,
            "skeleton-too-large",
            layout.path()
                + ": "
                + layout.skeletonBytes()
                + " bytes belong to no tensor, at most "
                + SkeletonReader.MAX_SKELETON
                + " may");
      }
      files.add(new PlannedFile(layout, infos.get(layout.path()).etag()));
    }
    List<PlannedTensor> tensors = UploadPlan.distinct(files);
    List<PlanTensor> cut = new ArrayList<>();
    for (int i = 0; i < tensors.size(); i++) {
      cut.add(new PlanTensor(i, tensors.get(i).tensor().info(), tensors.get(i).tensor().layer()));
    }
    ShardPlan shards = ShardPlanner.plan(cut, spec.options());
    return new UploadPlan(files, tensors, shards.shards(), spec.options());
  }

  private JsonNode shard(UploadPlan plan, int index, ShardReader reader, JobContext context)
      throws InterruptedException {
    ShardBuilder builder = new ShardBuilder(plan, index);
    try (TransferMemory.Buffer buffer = memory.acquire(builder.size())) {
      MemorySegment target = buffer.segment();
      ShardBuilder.Built built =
          builder.build(new ReadAhead(reader, reads), target, progress(context));
      boolean sent = put(Keys.shard(built.descriptor().digest()), target, context);
      ObjectNode json = Descriptors.write(built.descriptor());
      json.put("sent", sent);
      SourceRun.write(json.putArray("runs"), built.runs());
      return json;
    }
  }

  private JsonNode file(
      UploadPlan plan, int index, boolean digest, ShardReader reader, JobContext context)
      throws InterruptedException {
    PlannedFile file = plan.files().get(index);
    long skeletonBytes = file.layout().skeletonBytes();
    ReadAhead source = new ReadAhead(reader, SkeletonReader.WIDTH);
    try (TransferMemory.Buffer buffer = memory.acquire(SkeletonReader.SCRATCH + skeletonBytes)) {
      MemorySegment scratch = buffer.segment().asSlice(0, SkeletonReader.SCRATCH);
      MemorySegment skeleton = buffer.segment().asSlice(SkeletonReader.SCRATCH);
      SkeletonReader.read(source, file, scratch, skeleton, progress(context));
      ObjectNode json = JsonNodeFactory.instance.objectNode();
      Optional<ShardDescriptor> descriptor =
          SkeletonReader.describe(skeleton, plan.options().chunkBytes());
      if (descriptor.isPresent()) {
        boolean sent = put(Keys.skeleton(descriptor.get().digest()), skeleton, context);
        json.set("skeleton", Descriptors.write(descriptor.get()).put("sent", sent));
      }
      if (skeletonBytes == file.layout().size()) {
        // No tensor: the skeleton is the file.
        Digest known = descriptor.map(ShardDescriptor::digest).orElse(Digest.sha256(new byte[0]));
        json.put("digest", known.toString());
      } else if (digest) {
        json.put(
            "digest", FileDigester.digest(source, file, scratch, progress(context)).toString());
      }
      SourceRun.write(json.putArray("runs"), SkeletonReader.runs(file, index, skeleton));
      return json;
    }
  }

  /** Counts bytes, and stops a task that is in vain. */
  private static LongConsumer progress(JobContext context) {
    return bytes -> {
      context.check();
      context.addBytes(bytes);
    };
  }

  /** Stores an object unless it is there; looks first, so that what is there is not sent again. */
  private boolean put(String key, MemorySegment bytes, JobContext context)
      throws InterruptedException {
    pins.pin(context.job().id(), List.of(key), PIN);
    if (StoredBytes.present(store, key, bytes.byteSize())) {
      return false;
    }
    // A job that is over stores nothing more.
    context.check();
    return store.putIfAbsent(key, bytes);
  }

  /** P = N/T: if T is given, as few workers as can take T tasks each; else whoever is free. */
  private static List<TaskSpec> spread(
      List<TaskSpec> tasks, List<Worker> workers, OptionalInt tasksPerWorker) {
    if (tasksPerWorker.isEmpty()) {
      return tasks;
    }
    int perNode = tasksPerWorker.getAsInt();
    int nodes = Math.ceilDiv(tasks.size(), perNode);
    if (nodes > workers.size()) {
      throw new UploadException(
          ErrorKind.CAPACITY,
          "upload-does-not-fit",
          tasks.size()
              + " tasks at "
              + perNode
              + " tasks a worker need "
              + nodes
              + " workers, "
              + workers.size()
              + " are live");
    }
    List<TaskSpec> spread = new ArrayList<>();
    for (int i = 0; i < tasks.size(); i++) {
      TaskSpec task = tasks.get(i);
      Optional<String> worker = Optional.of(workers.get(i % nodes).id());
      spread.add(new TaskSpec(task.name(), task.payload(), task.weightBytes(), worker));
    }
    return spread;
  }

  private static TaskSpec task(String type, int index, long bytes) {
    ObjectNode payload =
        JsonNodeFactory.instance.objectNode().put("type", type).put("index", index);
    return new TaskSpec(type + "-" + index, payload, bytes, Optional.empty());
  }

  private static ObjectNode answer(
      UploadSpec spec,
      ModelManifest manifest,
      ManifestRepository.Published published,
      List<JsonNode> results) {
    long sentBytes = 0;
    int sentShards = 0;
    for (JsonNode result : results) {
      if (result.get("sent").booleanValue()) {
        sentBytes += result.get("size").longValue();
        sentShards++;
      }
    }
    ObjectNode json =
        JsonNodeFactory.instance
            .objectNode()
            .put("model", spec.model().name())
            .put("tag", spec.model().tagOrDefault())
            .put("version", published.version().toString())
            .put("S", manifest.totalBytes())
            .put("files", manifest.files().size())
            .put("tensors", manifest.tensors().size())
            .put("shards", manifest.shards().size());
    json.putObject("sent").put("shards", sentShards).put("bytes", sentBytes);
    json.putObject("reused")
        .put("shards", manifest.shards().size() - sentShards)
        .put("bytes", manifest.totalBytes() - sentBytes);
    return json;
  }

  /** A file of the source as the format readers see it. */
  private record SourceBytes(ShardReader reader, ObjectInfo info) implements ByteSource {
    @Override
    public String path() {
      return info.key();
    }

    @Override
    public long size() {
      return info.size();
    }

    @Override
    public void read(ByteRange range, MemorySegment target) {
      reader.read(info.key(), Optional.of(info.etag()), range, target);
    }
  }
}
