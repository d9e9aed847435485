package io.sluice.load;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.job.CommitOutcome;
import io.sluice.job.FanOut;
import io.sluice.job.Job;
import io.sluice.job.JobContext;
import io.sluice.job.JobKind;
import io.sluice.job.JobPlan;
import io.sluice.job.Lease;
import io.sluice.job.TaskResult;
import io.sluice.job.TaskResults;
import io.sluice.job.TaskSpec;
import io.sluice.job.Worker;
import io.sluice.job.WorkerRegistry;
import io.sluice.manifest.ManifestRepository;
import io.sluice.manifest.ModelManifest;
import io.sluice.model.ByteRange;
import io.sluice.model.Digest;
import io.sluice.placement.ChunkRuns;
import io.sluice.placement.Placements;
import io.sluice.placement.SelectionCache;
import io.sluice.plan.Placement;
import io.sluice.plan.PlacementPlanner;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;

/**
 * The load of a model into the memory of workers as a job: the plan places every shard on a worker
 * within its budget, each task pulls one shard, and the commit checks that every shard is still
 * held by a live worker before it answers.
 */
public final class LoadKind implements JobKind {
  /** Name of the kind. */
  public static final String LOAD = "load";

  private final ManifestRepository manifests;
  private final WorkerRegistry registry;
  private final ShardLoader loader;
  private final String incarnation;
  private final Runnable announce;
  private final long gap;
  private final SelectionCache selections = new SelectionCache();

  /**
   * A kind that reads nothing but what is wanted.
   *
   * @param loader loads into the memory of this process
   * @param incarnation of this process as a worker
   * @param announce tells the registry what this process holds, so that whoever plans next knows
   */
  public LoadKind(
      ManifestRepository manifests,
      WorkerRegistry registry,
      ShardLoader loader,
      String incarnation,
      Runnable announce) {
    this(manifests, registry, loader, incarnation, announce, 0);
  }

  /**
   * @param loader loads into the memory of this process
   * @param incarnation of this process as a worker
   * @param announce tells the registry what this process holds, so that whoever plans next knows
   * @param gap most bytes between two runs of wanted chunks that are read along with them; what the
   *     planning process says holds for the job
   */
  public LoadKind(
      ManifestRepository manifests,
      WorkerRegistry registry,
      ShardLoader loader,
      String incarnation,
      Runnable announce,
      long gap) {
    this.manifests = manifests;
    this.registry = registry;
    this.loader = loader;
    this.incarnation = incarnation;
    this.announce = announce;
    this.gap = gap;
  }

  @Override
  public String kind() {
    return LOAD;
  }

  @Override
  public JobPlan plan(Job job, JobContext context) {
    LoadSpec spec = LoadSpec.read(job.request());
    Digest version = manifests.resolve(spec.model()).version();
    ModelManifest manifest = manifests.load(spec.model().name(), version);
    Map<Integer, List<ByteRange>> wanted = selections.runs(version, manifest, spec.tensors(), gap);
    List<Worker> workers = context.workers();
    int replicas = spec.replicas().among(workers.size());
    Map<Integer, List<String>> placed =
        place(manifest, wanted, workers, spec.tasksPerWorker(), replicas);
    List<TaskSpec> tasks = new ArrayList<>();
    wanted.forEach(
        (shard, runs) -> {
          for (int copy = 0; copy < replicas; copy++) {
            tasks.add(
                new TaskSpec(
                    "shard-" + shard + (copy == 0 ? "" : "-copy-" + copy),
                    JsonNodeFactory.instance.objectNode().put("shard", shard),
                    ChunkRuns.bytes(runs),
                    Optional.of(placed.get(shard).get(copy))));
          }
        });
    return new JobPlan(
        tasks,
        true,
        JsonNodeFactory.instance
            .objectNode()
            .put("version", version.toString())
            .put("replicas", replicas)
            .put("gap", gap));
  }

  @Override
  public JsonNode execute(Lease.TaskLease lease, JobContext context) throws InterruptedException {
    LoadSpec spec = LoadSpec.read(context.job().request());
    Digest version = version(context);
    ModelManifest manifest = manifests.load(spec.model().name(), version);
    int shard = lease.task().payload().get("shard").intValue();
    List<ByteRange> runs = selected(spec, version, manifest, context).get(shard);
    ShardLoader.Loaded loaded =
        loader.load(version, manifest.shards().get(shard), runs, context::addBytes);
    announce.run();
    ObjectNode json =
        JsonNodeFactory.instance
            .objectNode()
            .put("shard", shard)
            .put("incarnation", incarnation)
            .put("bytes", loaded.bytes())
            .put("seconds", loaded.seconds())
            .put("source", loaded.source());
    ObjectNode sources = json.putObject("sources");
    loaded.sources().forEach(sources::put);
    return json;
  }

  @Override
  public CommitOutcome commit(Job job, TaskResults results, JobContext context) {
    LoadSpec spec = LoadSpec.read(job.request());
    Digest version = version(context);
    ModelManifest manifest = manifests.load(spec.model().name(), version);
    Map<String, Worker> live = new HashMap<>();
    context.workers().forEach(w -> live.put(w.id(), w));
    int replicas = Math.min(context.shared().get("replicas").intValue(), live.size());
    Map<Integer, Set<String>> copies = new HashMap<>();
    Map<Integer, List<Integer>> lost = new TreeMap<>();
    for (TaskResult result : results) {
      int shard = result.result().get("shard").intValue();
      // A worker that did the task of a dead one may have the shard already: one copy, not two.
      if (!alive(result, live)
          || !copies.computeIfAbsent(shard, s -> new HashSet<>()).add(result.workerId())) {
        lost.computeIfAbsent(shard, s -> new ArrayList<>()).add(result.number());
      }
    }
    lost.keySet()
        .removeIf(shard -> copies.getOrDefault(shard, Set.of()).size() >= Math.max(1, replicas));
    if (lost.isEmpty()) {
      return CommitOutcome.done(answer(spec, version, manifest, results, live));
    }
    // A worker died after it had loaded: what it held is loaded by those that are left.
    Map<Integer, List<ByteRange>> again = new TreeMap<>(selected(spec, version, manifest, context));
    again.keySet().retainAll(lost.keySet());
    Map<Integer, List<String>> placed =
        place(manifest, again, context.workers(), OptionalInt.empty(), Math.max(1, replicas));
    Map<Integer, Optional<String>> tasks = new HashMap<>();
    lost.forEach(
        (shard, numbers) -> {
          List<String> others = new ArrayList<>(placed.get(shard));
          others.removeAll(copies.getOrDefault(shard, Set.of()));
          for (int i = 0; i < Math.min(numbers.size(), others.size()); i++) {
            tasks.put(numbers.get(i), Optional.of(others.get(i)));
          }
        });
    return CommitOutcome.reopen(tasks);
  }

  /** Whether what a task made is still there. */
  private static boolean alive(TaskResult result, Map<String, Worker> live) {
    Worker worker = live.get(result.workerId());
    return worker != null
        && worker.incarnation().equals(result.result().get("incarnation").textValue());
  }

  private Map<Integer, List<String>> place(
      ModelManifest manifest,
      Map<Integer, List<ByteRange>> wanted,
      List<Worker> workers,
      OptionalInt tasksPerWorker,
      int replicas) {
    Placement placement =
        PlacementPlanner.place(
            Placements.needs(manifest, wanted),
            Placements.capacities(manifest, wanted, workers, registry),
            tasksPerWorker,
            replicas);
    Map<Integer, List<String>> placed = new HashMap<>();
    placement
        .shardsByWorker()
        .forEach(
            (worker, shards) ->
                shards.forEach(
                    shard -> placed.computeIfAbsent(shard, s -> new ArrayList<>()).add(worker)));
    return placed;
  }

  /** The selection as it was planned. */
  private Map<Integer, List<ByteRange>> selected(
      LoadSpec spec, Digest version, ModelManifest manifest, JobContext context) {
    return selections.runs(
        version, manifest, spec.tensors(), context.shared().path("gap").longValue());
  }

  private static Digest version(JobContext context) {
    return Digest.parse(context.shared().get("version").textValue());
  }

  private static ObjectNode answer(
      LoadSpec spec,
      Digest version,
      ModelManifest manifest,
      TaskResults results,
      Map<String, Worker> live) {
    Map<String, ArrayNode> shardsOf = new TreeMap<>();
    Map<String, Long> bytesOf = new TreeMap<>();
    Map<String, Long> sources = new TreeMap<>();
    Map<String, Set<Integer>> counted = new HashMap<>();
    long loaded = 0;
    int tasks = 0;
    for (TaskResult result : results) {
      int shard = result.result().get("shard").intValue();
      // Of a worker that is gone, or a second task of one worker: others have the copies asked for.
      if (!alive(result, live)
          || !counted.computeIfAbsent(result.workerId(), w -> new HashSet<>()).add(shard)) {
        continue;
      }
      long bytes = result.result().get("bytes").longValue();
      tasks++;
      loaded += bytes;
      bytesOf.merge(result.workerId(), bytes, Long::sum);
      JsonNode sourcesOf = result.result().get("sources");
      sourcesOf
          .properties()
          .forEach(e -> sources.merge(e.getKey(), e.getValue().longValue(), Long::sum));
      shardsOf
          .computeIfAbsent(result.workerId(), w -> JsonNodeFactory.instance.arrayNode())
          .addObject()
          .put("index", shard)
          .put("digest", manifest.shards().get(shard).digest().toString())
          .put("bytes", bytes)
          .put("seconds", result.result().get("seconds").doubleValue())
          .put("source", result.result().get("source").textValue())
          .set("sources", sourcesOf);
    }
    ObjectNode json =
        JsonNodeFactory.instance
            .objectNode()
            .put("model", spec.model().name())
            .put("version", version.toString())
            .put("S", manifest.totalBytes())
            .put("L", loaded);
    FanOut.write(json, tasks, shardsOf.size(), spec.tasksPerWorker());
    ObjectNode totals = json.putObject("sources");
    sources.forEach(totals::put);
    ArrayNode workers = json.putArray("workers");
    shardsOf.forEach(
        (id, shards) ->
            workers
                .addObject()
                .put("id", id)
                .put("address", live.get(id).address())
                .put("bytes", bytesOf.get(id))
                .set("shards", shards));
    return json;
  }
}
