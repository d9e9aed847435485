package io.sluice.compute.compare;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.compute.ComputeException;
import io.sluice.compute.ComputePlacement;
import io.sluice.compute.ComputeProgram;
import io.sluice.compute.ComputeSpec;
import io.sluice.compute.ComputeThreads;
import io.sluice.compute.ShardAccess;
import io.sluice.compute.ShardTasks;
import io.sluice.compute.TensorBlock;
import io.sluice.compute.compare.Comparison.Overlap;
import io.sluice.compute.compare.Comparison.Pair;
import io.sluice.job.CommitOutcome;
import io.sluice.job.Job;
import io.sluice.job.JobContext;
import io.sluice.job.JobPlan;
import io.sluice.job.Lease;
import io.sluice.job.TaskResult;
import io.sluice.job.TaskResults;
import io.sluice.job.TaskSpec;
import io.sluice.job.WorkerRegistry;
import io.sluice.manifest.ManifestRepository;
import io.sluice.manifest.ModelManifest;
import io.sluice.model.ByteRange;
import io.sluice.model.Digest;
import io.sluice.model.InvalidValueException;
import io.sluice.model.ShardDescriptor;
import io.sluice.model.SluiceException;
import io.sluice.model.TensorInfo;
import io.sluice.placement.ChunkRuns;
import io.sluice.placement.Placements;
import io.sluice.plan.ShardNeed;
import io.sluice.plan.TensorGlobs;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Callable;

/**
 * {@code compare}: how far the tensors of two versions lie apart, which may be of two models and of
 * different types.
 *
 * <p>A task takes a shard of the first version and reads from the second what it needs of the same
 * rows, one shard of it after the other. What lies in the same objects is identical and not read.
 */
public final class CompareProgram implements ComputeProgram {
  /** Rows are compared in parts of about so many bytes, several at once. */
  private static final long PART_BYTES = 2L << 20;

  private final ManifestRepository manifests;
  private final WorkerRegistry registry;
  private final ShardAccess shards;
  private final ComputeThreads threads;

  public CompareProgram(
      ManifestRepository manifests,
      WorkerRegistry registry,
      ShardAccess shards,
      ComputeThreads threads) {
    this.manifests = manifests;
    this.registry = registry;
    this.shards = shards;
    this.threads = threads;
  }

  @Override
  public String name() {
    return "compare";
  }

  /** Both versions as they were when the job was planned. */
  private record Both(ModelManifest first, ModelManifest second, Comparison comparison) {}

  private Both both(ComputeSpec spec, Digest first, Digest second) {
    ModelManifest a = manifests.load(spec.model().name(), first);
    ModelManifest b = manifests.load(CompareArguments.read(spec.arguments()).with().name(), second);
    return new Both(a, b, Comparison.of(a, b, spec.tensors()));
  }

  private Both both(ComputeSpec spec, JobContext context) {
    return both(
        spec,
        Digest.parse(context.shared().get("version").textValue()),
        Digest.parse(context.shared().get("with").textValue()));
  }

  @Override
  public JobPlan plan(ComputeSpec spec, Job job, JobContext context) {
    CompareArguments arguments = CompareArguments.read(spec.arguments());
    Digest first = manifests.resolve(spec.model()).version();
    Digest second = manifests.resolve(arguments.with()).version();
    Both both = both(spec, first, second);
    requireMatches(both, spec.tensors());
    Map<Integer, Map<Integer, List<Overlap>>> overlaps = both.comparison().overlaps();
    Map<Integer, List<ByteRange>> wanted = new TreeMap<>();
    List<ShardNeed> needs = new ArrayList<>();
    overlaps.forEach(
        (shard, others) -> {
          ShardDescriptor descriptor = both.first().shards().get(shard);
          List<ByteRange> runs = firstRuns(descriptor, others);
          long largest =
              others.entrySet().stream()
                  .mapToLong(e -> Placements.footprint(secondRuns(both, e.getKey(), e.getValue())))
                  .max()
                  .orElse(0);
          wanted.put(shard, runs);
          needs.add(
              new ShardNeed(shard, descriptor.digest(), Placements.footprint(runs) + largest));
        });
    Map<Integer, String> placed =
        ComputePlacement.place(
            needs,
            Placements.holders(both.first(), wanted, registry),
            context.workers(),
            spec.tasksPerWorker());
    List<TaskSpec> tasks = new ArrayList<>();
    for (ShardNeed need : needs) {
      tasks.add(ShardTasks.of(need.shard(), need.bytes(), placed.get(need.shard())));
    }
    return new JobPlan(
        tasks,
        true,
        JsonNodeFactory.instance
            .objectNode()
            .put("version", first.toString())
            .put("with", second.toString()));
  }

  /** A glob that matches nothing in either version is a mistake. */
  private static void requireMatches(Both both, TensorGlobs globs) {
    for (String glob : globs.globs()) {
      TensorGlobs one = new TensorGlobs(List.of(glob));
      boolean some =
          both.first().tensors().stream().anyMatch(t -> one.matches(t.info().name()))
              || both.second().tensors().stream().anyMatch(t -> one.matches(t.info().name()));
      if (!some) {
        throw new InvalidValueException(
            "tensors-unknown", "no tensor of the two versions matches '" + glob + "'");
      }
    }
  }

  private static List<ByteRange> firstRuns(
      ShardDescriptor shard, Map<Integer, List<Overlap>> others) {
    return ChunkRuns.cover(
        shard.checksums(),
        others.values().stream()
            .flatMap(List::stream)
            .map(o -> new ByteRange(o.first().offset(), o.first().length()))
            .distinct()
            .toList());
  }

  private static List<ByteRange> secondRuns(Both both, int shard, List<Overlap> overlaps) {
    return ChunkRuns.cover(
        both.second().shards().get(shard).checksums(),
        overlaps.stream()
            .map(
                o -> rows(both.comparison().pairs().get(o.tensor()).second().info(), o.second(), o))
            .toList());
  }

  /** Where the rows of an overlap lie in the shard of a piece. */
  private static ByteRange rows(TensorInfo tensor, ModelManifest.Piece piece, Overlap overlap) {
    if (overlap.rows() == piece.rows()) {
      return new ByteRange(piece.offset(), piece.length());
    }
    long rowBytes = tensor.rowBytes();
    return new ByteRange(
        piece.offset() + (overlap.firstRow() - piece.firstRow()) * rowBytes,
        overlap.rows() * rowBytes);
  }

  @Override
  public JsonNode execute(ComputeSpec spec, Lease.TaskLease lease, JobContext context)
      throws InterruptedException {
    Both both = both(spec, context);
    int shard = ShardTasks.shard(lease);
    Map<Integer, List<Overlap>> others = both.comparison().overlaps().get(shard);
    ShardDescriptor descriptor = both.first().shards().get(shard);
    Map<String, PairSums> sums = new LinkedHashMap<>();
    try (ShardAccess.Open first =
        shards.open(descriptor, firstRuns(descriptor, others), context::addBytes)) {
      for (Map.Entry<Integer, List<Overlap>> other : new TreeMap<>(others).entrySet()) {
        ShardDescriptor second = both.second().shards().get(other.getKey());
        List<ByteRange> runs = secondRuns(both, other.getKey(), other.getValue());
        try (ShardAccess.Open open = shards.open(second, runs, context::addBytes)) {
          compare(both, other.getValue(), first, open, context)
              .forEach((name, sum) -> sums.merge(name, sum, PairSums::plus));
        }
      }
    } catch (SluiceException e) {
      throw ComputeException.busy(e);
    }
    ObjectNode result = JsonNodeFactory.instance.objectNode();
    sums.forEach((name, sum) -> result.set(name, sum.write()));
    return result;
  }

  private Map<String, PairSums> compare(
      Both both,
      List<Overlap> overlaps,
      ShardAccess.Open first,
      ShardAccess.Open second,
      JobContext context)
      throws InterruptedException {
    List<String> names = new ArrayList<>();
    List<Callable<PairSums>> parts = new ArrayList<>();
    for (Overlap overlap : overlaps) {
      Pair pair = both.comparison().pairs().get(overlap.tensor());
      TensorBlock a = block(pair.first().info(), overlap.first(), overlap, first);
      TensorBlock b = block(pair.second().info(), overlap.second(), overlap, second);
      for (TensorBlock part : a.parts(PART_BYTES)) {
        TensorBlock same = same(b, part);
        names.add(overlap.tensor());
        parts.add(
            () -> {
              context.check();
              return PairKernel.of(part, same);
            });
      }
    }
    List<PairSums> results = threads.run(parts);
    Map<String, PairSums> sums = new LinkedHashMap<>();
    for (int i = 0; i < results.size(); i++) {
      sums.merge(names.get(i), results.get(i), PairSums::plus);
    }
    return sums;
  }

  private static TensorBlock block(
      TensorInfo tensor, ModelManifest.Piece piece, Overlap overlap, ShardAccess.Open open) {
    MemorySegment data = open.bytes(rows(tensor, piece, overlap));
    return new TensorBlock(tensor, overlap.firstRow(), overlap.rows(), data);
  }

  /** The rows of a part in another block. */
  private static TensorBlock same(TensorBlock block, TensorBlock part) {
    long rowBytes = block.tensor().rowBytes();
    return new TensorBlock(
        block.tensor(),
        part.firstRow(),
        part.rows(),
        block
            .data()
            .asSlice((part.firstRow() - block.firstRow()) * rowBytes, part.rows() * rowBytes));
  }

  @Override
  public CommitOutcome commit(ComputeSpec spec, Job job, TaskResults results, JobContext context) {
    Both both = both(spec, context);
    Map<String, PairSums> sums = new LinkedHashMap<>();
    both.comparison().pairs().keySet().forEach(name -> sums.put(name, PairSums.NONE));
    Set<String> workers = new HashSet<>();
    for (TaskResult result : results) {
      workers.add(result.workerId());
      result
          .result()
          .properties()
          .forEach(e -> sums.merge(e.getKey(), PairSums.read(e.getValue()), PairSums::plus));
    }
    ObjectNode answer =
        spec.answer(
            Digest.parse(context.shared().get("version").textValue()),
            results.size(),
            workers.size());
    ArrayNode skipped = answer.putArray("skipped");
    both.comparison()
        .unread()
        .forEach((name, why) -> skipped.addObject().put("tensor", name).put("reason", why));
    answer.set("result", result(spec, context, both.comparison(), sums));
    return CommitOutcome.done(answer);
  }

  private static ObjectNode result(
      ComputeSpec spec, JobContext context, Comparison comparison, Map<String, PairSums> sums) {
    long differing = sums.values().stream().filter(s -> s.differing() > 0).count();
    boolean equal =
        differing == 0
            && comparison.missing().isEmpty()
            && comparison.extra().isEmpty()
            && comparison.reshaped().isEmpty()
            && comparison.unread().isEmpty();
    ObjectNode result = JsonNodeFactory.instance.objectNode();
    result
        .putObject("with")
        .put("model", CompareArguments.read(spec.arguments()).with().name())
        .put("version", context.shared().get("with").textValue());
    result.put("equal", equal);
    ObjectNode summary = result.putObject("summary");
    summary
        .put("identical", comparison.identical().size())
        .put("compared", sums.size())
        .put("differing", differing)
        .put("missing", comparison.missing().size())
        .put("extra", comparison.extra().size())
        .put("reshaped", comparison.reshaped().size());
    comparison.missing().forEach(result.putArray("missing")::add);
    comparison.extra().forEach(result.putArray("extra")::add);
    ObjectNode reshaped = result.putObject("reshaped");
    comparison
        .reshaped()
        .forEach(
            (name, pair) -> {
              ObjectNode node = reshaped.putObject(name);
              pair.first().info().shape().forEach(node.putArray("shape")::add);
              pair.second().info().shape().forEach(node.putArray("with")::add);
            });
    ObjectNode tensors = result.putObject("tensors");
    sums.forEach(
        (name, sum) -> {
          Pair pair = comparison.pairs().get(name);
          sum.answer(
              tensors
                  .putObject(name)
                  .put("dtype", pair.first().info().dtype().name())
                  .put("with", pair.second().info().dtype().name()));
        });
    return result;
  }
}
