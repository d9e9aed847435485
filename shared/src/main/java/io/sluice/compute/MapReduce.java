package io.sluice.compute;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
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
import io.sluice.model.SluiceException;
import io.sluice.model.TensorInfo;
import io.sluice.placement.ChunkRuns;
import io.sluice.placement.ShardSelection;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Callable;

/**
 * An {@link Operation} over a model as a job: one task a shard, on a worker that holds it if there
 * is one; each task maps the row blocks of its shard, and the commit merges them in row order.
 */
public final class MapReduce implements ComputeProgram {
  private final Operation<?, ?> operation;
  private final ManifestRepository manifests;
  private final WorkerRegistry registry;

  /** Blocks are mapped in parts of about so many bytes, several at once. */
  static final long PART_BYTES = 4L << 20;

  private final ShardAccess shards;
  private final ComputeThreads threads;

  /**
   * @param threads map the blocks of a task
   */
  public MapReduce(
      Operation<?, ?> operation,
      ManifestRepository manifests,
      WorkerRegistry registry,
      ShardAccess shards,
      ComputeThreads threads) {
    this.operation = operation;
    this.manifests = manifests;
    this.registry = registry;
    this.shards = shards;
    this.threads = threads;
  }

  @Override
  public String name() {
    return operation.name();
  }

  @Override
  public JobPlan plan(ComputeSpec spec, Job job, JobContext context) {
    Computation<?, ?> computation = Computation.of(operation, spec.arguments());
    Digest version = manifests.resolve(spec.model()).version();
    ModelManifest manifest = manifests.load(spec.model().name(), version);
    Map<Integer, List<ByteRange>> wanted = wanted(manifest, select(manifest, spec, computation));
    List<TaskSpec> tasks = ShardTasks.of(manifest, wanted, spec, context, registry);
    return new JobPlan(
        tasks, true, JsonNodeFactory.instance.objectNode().put("version", version.toString()));
  }

  @Override
  public JsonNode execute(ComputeSpec spec, Lease.TaskLease lease, JobContext context)
      throws InterruptedException {
    Computation<?, ?> computation = Computation.of(operation, spec.arguments());
    ModelManifest manifest = manifests.load(spec.model().name(), version(context));
    int shard = ShardTasks.shard(lease);
    TensorSelection selection = select(manifest, spec, computation);
    List<ByteRange> runs = wanted(manifest, selection).get(shard);
    ObjectNode result = JsonNodeFactory.instance.objectNode();
    result.put("bytes", ChunkRuns.bytes(runs));
    ArrayNode partials = result.putArray("partials");
    try (ShardAccess.Open open =
        shards.open(manifest.shards().get(shard), runs, context::addBytes)) {
      for (Mapped block : map(computation, blocks(manifest, selection, shard, open), context)) {
        partials.addArray().add(block.tensor()).add(block.row()).add(block.partial());
      }
    } catch (SluiceException e) {
      throw ComputeException.busy(e);
    }
    return result;
  }

  @Override
  public CommitOutcome commit(ComputeSpec spec, Job job, TaskResults results, JobContext context) {
    Computation<?, ?> computation = Computation.of(operation, spec.arguments());
    Digest version = version(context);
    ModelManifest manifest = manifests.load(spec.model().name(), version);
    Map<Integer, TreeMap<Long, JsonNode>> partials = new TreeMap<>();
    WorkerShares shares = new WorkerShares();
    for (TaskResult result : results) {
      shares.add(result);
      for (JsonNode partial : result.result().get("partials")) {
        partials
            .computeIfAbsent(partial.get(0).intValue(), t -> new TreeMap<>())
            .put(partial.get(1).longValue(), partial.get(2));
      }
    }
    TensorSelection selection = select(manifest, spec, computation);
    Map<String, JsonNode> answers = new LinkedHashMap<>();
    for (int index : selection.taken()) {
      TensorInfo tensor = manifest.tensors().get(index).info();
      List<JsonNode> blocks =
          partials.containsKey(index)
              ? List.copyOf(partials.get(index).values())
              : List.of(computation.map(List.of(empty(tensor))));
      answers.put(tensor.name(), computation.finish(tensor, blocks));
    }
    ObjectNode answer = spec.answer(version, results.size(), shares.workers());
    shares.write(answer);
    ArrayNode skipped = answer.putArray("skipped");
    selection
        .skipped()
        .forEach((name, why) -> skipped.addObject().put("tensor", name).put("reason", why));
    answer.set("result", computation.reduce(answers));
    return CommitOutcome.done(answer);
  }

  /** A block of the tensor with that index. */
  private record Block(int tensor, TensorBlock rows) {}

  /** The partial result of a block. */
  private record Mapped(int tensor, long row, JsonNode partial) {}

  private static List<Block> blocks(
      ModelManifest manifest, TensorSelection selection, int shard, ShardAccess.Open open) {
    List<Block> blocks = new ArrayList<>();
    for (int index : selection.taken()) {
      ModelManifest.Tensor tensor = manifest.tensors().get(index);
      for (ModelManifest.Piece piece : tensor.pieces()) {
        if (piece.shard() == shard) {
          MemorySegment data = open.bytes(new ByteRange(piece.offset(), piece.length()));
          blocks.add(
              new Block(
                  index, new TensorBlock(tensor.info(), piece.firstRow(), piece.rows(), data)));
        }
      }
    }
    return blocks;
  }

  /** Maps all blocks, cut into parts that run at once; their results are merged in row order. */
  private <A, P> List<Mapped> map(
      Computation<A, P> computation, List<Block> blocks, JobContext context)
      throws InterruptedException {
    List<Callable<P>> parts = new ArrayList<>();
    List<Integer> counts = new ArrayList<>();
    for (Block block : blocks) {
      List<TensorBlock> cut = block.rows().parts(PART_BYTES);
      counts.add(cut.size());
      for (TensorBlock part : cut) {
        parts.add(
            () -> {
              context.check();
              return computation.mapBlock(part);
            });
      }
    }
    Iterator<P> results = threads.run(parts).iterator();
    List<Mapped> mapped = new ArrayList<>();
    for (int i = 0; i < blocks.size(); i++) {
      List<P> ofBlock = new ArrayList<>();
      for (int j = 0; j < counts.get(i); j++) {
        ofBlock.add(results.next());
      }
      Block block = blocks.get(i);
      mapped.add(new Mapped(block.tensor(), block.rows().firstRow(), computation.merged(ofBlock)));
    }
    return mapped;
  }

  private static TensorSelection select(
      ModelManifest manifest, ComputeSpec spec, Computation<?, ?> computation) {
    return TensorSelection.of(manifest, spec.tensors(), computation.name(), computation::refusal);
  }

  private static Map<Integer, List<ByteRange>> wanted(
      ModelManifest manifest, TensorSelection selection) {
    Set<String> names = new HashSet<>();
    selection.taken().forEach(index -> names.add(manifest.tensors().get(index).info().name()));
    return ShardSelection.runs(manifest, tensor -> names.contains(tensor.info().name()));
  }

  private static TensorBlock empty(TensorInfo tensor) {
    return new TensorBlock(tensor, 0, tensor.rows(), MemorySegment.ofArray(new byte[0]));
  }

  private static Digest version(JobContext context) {
    return Digest.parse(context.shared().get("version").textValue());
  }
}
