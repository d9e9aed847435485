package io.sluice.compute.convert;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.compute.ComputeException;
import io.sluice.compute.ComputeProgram;
import io.sluice.compute.ComputeSpec;
import io.sluice.compute.ComputeThreads;
import io.sluice.compute.ShardAccess;
import io.sluice.compute.ShardTasks;
import io.sluice.compute.TensorBlock;
import io.sluice.compute.publish.ModelDraft;
import io.sluice.compute.publish.ModelPublisher;
import io.sluice.compute.publish.OutputBlock;
import io.sluice.compute.publish.StoredShard;
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
import io.sluice.model.DType;
import io.sluice.model.Digest;
import io.sluice.model.SluiceException;
import io.sluice.model.TensorInfo;
import io.sluice.placement.ChunkRuns;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Callable;

/**
 * {@code convert}: a version of a model with tensors of another type.
 *
 * <p>F32, F16 and BF16 become each other, rounded to the nearest number, ties to even; I8 is
 * symmetric with a scale for each row (tensor {@code <name>.scale}); Q8_0 and Q4_0 are those of
 * ggml. A task makes one shard anew and stores it; shards without a converted tensor are named
 * again without being touched. The commit publishes the version with its provenance and answers
 * with the errors of each tensor.
 */
public final class ConvertProgram implements ComputeProgram {
  /** Blocks are converted in parts of about so many bytes, several at once. */
  private static final long PART_BYTES = 2L << 20;

  private final ManifestRepository manifests;
  private final WorkerRegistry registry;
  private final ShardAccess shards;
  private final ComputeThreads threads;
  private final ModelPublisher publisher;

  public ConvertProgram(
      ManifestRepository manifests,
      WorkerRegistry registry,
      ShardAccess shards,
      ComputeThreads threads,
      ModelPublisher publisher) {
    this.manifests = manifests;
    this.registry = registry;
    this.shards = shards;
    this.threads = threads;
    this.publisher = publisher;
  }

  @Override
  public String name() {
    return "convert";
  }

  @Override
  public JobPlan plan(ComputeSpec spec, Job job, JobContext context) {
    ConvertArguments arguments = ConvertArguments.read(spec.arguments());
    Digest version = manifests.resolve(spec.model()).version();
    ModelManifest manifest = manifests.load(spec.model().name(), version);
    ConvertSelection selection = ConvertSelection.of(manifest, spec.tensors(), arguments);
    if (selection.taken().isEmpty()) {
      throw ComputeException.refused(
          "no tensor of '"
              + spec.model()
              + "' becomes "
              + arguments.to()
              + ": "
              + reason(selection));
    }
    Map<Integer, List<Work>> work = Work.of(manifest, selection, arguments);
    Map<Integer, List<ByteRange>> wanted = new TreeMap<>();
    for (int shard : selection.shards()) {
      wanted.put(shard, ChunkRuns.whole(manifest.shards().get(shard).checksums()));
      publisher.requireFits(
          work.get(shard).stream().flatMap(one -> one.outputs().stream()).toList());
    }
    List<TaskSpec> tasks = ShardTasks.of(manifest, wanted, spec, context, registry);
    return new JobPlan(
        tasks, true, JsonNodeFactory.instance.objectNode().put("version", version.toString()));
  }

  private static String reason(ConvertSelection selection) {
    return selection.skipped().entrySet().stream()
        .findFirst()
        .map(e -> "'" + e.getKey() + "': " + e.getValue())
        .orElse("it has none");
  }

  /** A block of a source shard and what it becomes. */
  private record Work(
      TensorInfo tensor, ModelManifest.Piece piece, boolean taken, List<OutputBlock> outputs) {
    /** Every block of the shards that are made anew, by shard. */
    static Map<Integer, List<Work>> of(
        ModelManifest manifest, ConvertSelection selection, ConvertArguments arguments) {
      Map<Integer, List<Work>> all = new HashMap<>();
      for (ModelManifest.Tensor tensor : manifest.tensors()) {
        boolean taken = selection.taken().contains(tensor.info().name());
        List<TensorInfo> results =
            taken ? arguments.results(tensor.info()) : List.of(tensor.info());
        for (ModelManifest.Piece piece : tensor.pieces()) {
          if (selection.shards().contains(piece.shard())) {
            all.computeIfAbsent(piece.shard(), s -> new ArrayList<>())
                .add(
                    new Work(
                        tensor.info(),
                        piece,
                        taken,
                        results.stream()
                            .map(info -> new OutputBlock(info, piece.firstRow(), piece.rows()))
                            .toList()));
          }
        }
      }
      return all;
    }
  }

  @Override
  public JsonNode execute(ComputeSpec spec, Lease.TaskLease lease, JobContext context)
      throws InterruptedException {
    ConvertArguments arguments = ConvertArguments.read(spec.arguments());
    ModelManifest manifest = manifests.load(spec.model().name(), version(context));
    ConvertSelection selection = ConvertSelection.of(manifest, spec.tensors(), arguments);
    int shard = ShardTasks.shard(lease);
    List<Work> work = Work.of(manifest, selection, arguments).get(shard);
    List<OutputBlock> outputs = work.stream().flatMap(w -> w.outputs().stream()).toList();
    Map<String, ErrorSums> errors = new LinkedHashMap<>();
    StoredShard stored;
    try (ShardAccess.Open open =
        shards.open(
            manifest.shards().get(shard),
            ChunkRuns.whole(manifest.shards().get(shard).checksums()),
            context::addBytes)) {
      stored =
          publisher.store(
              context.job().id(),
              manifest.plan().chunkBytes(),
              outputs,
              targets -> errors.putAll(convert(work, targets, open, arguments, context)));
    } catch (SluiceException e) {
      throw ComputeException.busy(e);
    }
    ObjectNode result = JsonNodeFactory.instance.objectNode();
    result.put("bytes", manifest.shards().get(shard).size());
    result.set("stored", stored.toJson());
    ObjectNode sums = result.putObject("errors");
    errors.forEach((name, sum) -> sums.set(name, sum.write()));
    return result;
  }

  private Map<String, ErrorSums> convert(
      List<Work> work,
      List<MemorySegment> targets,
      ShardAccess.Open open,
      ConvertArguments arguments,
      JobContext context)
      throws InterruptedException {
    List<Callable<ErrorSums>> parts = new ArrayList<>();
    List<String> names = new ArrayList<>();
    Iterator<MemorySegment> next = targets.iterator();
    for (Work one : work) {
      ModelManifest.Piece piece = one.piece();
      MemorySegment data = open.bytes(new ByteRange(piece.offset(), piece.length()));
      List<MemorySegment> out = new ArrayList<>();
      one.outputs().forEach(output -> out.add(next.next()));
      if (!one.taken()) {
        out.getFirst().copyFrom(data);
        continue;
      }
      TensorBlock block = new TensorBlock(one.tensor(), piece.firstRow(), piece.rows(), data);
      for (TensorBlock part : block.parts(PART_BYTES)) {
        names.add(one.tensor().name());
        long before = part.firstRow() - block.firstRow();
        List<MemorySegment> slices = new ArrayList<>();
        for (int i = 0; i < out.size(); i++) {
          slices.add(rows(out.get(i), one.outputs().get(i), before, part.rows()));
        }
        parts.add(
            () -> {
              context.check();
              return new RowConverter(arguments.saturate()).convert(part, arguments.to(), slices);
            });
      }
    }
    List<ErrorSums> sums = threads.run(parts);
    Map<String, ErrorSums> errors = new LinkedHashMap<>();
    for (int i = 0; i < sums.size(); i++) {
      errors.merge(names.get(i), sums.get(i), ErrorSums::plus);
    }
    return errors;
  }

  private static MemorySegment rows(
      MemorySegment block, OutputBlock output, long firstRow, long rows) {
    long rowBytes = block.byteSize() / output.rows();
    return block.asSlice(firstRow * rowBytes, rows * rowBytes);
  }

  @Override
  public CommitOutcome commit(ComputeSpec spec, Job job, TaskResults results, JobContext context)
      throws InterruptedException {
    ConvertArguments arguments = ConvertArguments.read(spec.arguments());
    Digest version = version(context);
    ModelManifest manifest = manifests.load(spec.model().name(), version);
    ConvertSelection selection = ConvertSelection.of(manifest, spec.tensors(), arguments);
    Map<Integer, StoredShard> made = new TreeMap<>();
    Map<String, ErrorSums> errors = new LinkedHashMap<>();
    selection.taken().forEach(name -> errors.put(name, ErrorSums.NONE));
    Set<String> workers = new HashSet<>();
    Iterator<Integer> shardOfTask = selection.shards().iterator();
    for (TaskResult result : results) {
      workers.add(result.workerId());
      made.put(shardOfTask.next(), StoredShard.read(result.result().get("stored")));
      result
          .result()
          .get("errors")
          .properties()
          .forEach(e -> errors.merge(e.getKey(), ErrorSums.read(e.getValue()), ErrorSums::plus));
    }
    ModelDraft draft = ModelDraft.from(manifest);
    for (int shard = 0; shard < manifest.shards().size(); shard++) {
      if (made.containsKey(shard)) {
        draft.add(made.get(shard));
      } else {
        draft.keep(shard);
      }
    }
    if (arguments.to() == DType.I8) {
      selection.taken().forEach(name -> draft.beside(name, ConvertArguments.SCALE));
    }
    manifest.tensors().stream()
        .map(ModelManifest.Tensor::info)
        .filter(tensor -> tensor.bytes() == 0)
        .forEach(draft::empty);
    ModelPublisher.Publication published =
        publisher.publish(
            job.id(),
            arguments.output(),
            arguments.expected(),
            draft,
            new ModelManifest.Provenance(
                name(),
                spec.arguments().toString(),
                List.of(new ModelManifest.Provenance.Parent(spec.model().name(), version))));
    publisher.release(job.id());
    ObjectNode answer = spec.answer(version, results.size(), workers.size());
    ArrayNode skipped = answer.putArray("skipped");
    selection
        .skipped()
        .forEach((name, why) -> skipped.addObject().put("tensor", name).put("reason", why));
    answer.set("result", result(manifest, published, made, arguments, errors));
    return CommitOutcome.done(answer);
  }

  private static ObjectNode result(
      ModelManifest before,
      ModelPublisher.Publication published,
      Map<Integer, StoredShard> made,
      ConvertArguments arguments,
      Map<String, ErrorSums> errors) {
    ObjectNode result =
        JsonNodeFactory.instance
            .objectNode()
            .put("model", arguments.output().name())
            .put("tag", arguments.output().tagOrDefault())
            .put("version", published.version().toString())
            .put("S", published.manifest().totalBytes())
            .put("shards", published.manifest().shards().size())
            .put("shardsMade", made.size())
            .put("shardsKept", before.shards().size() - made.size());
    ObjectNode tensors = result.putObject("tensors");
    Map<String, String> dtypes = new LinkedHashMap<>();
    before.tensors().forEach(t -> dtypes.put(t.info().name(), t.info().dtype().name()));
    errors.forEach(
        (name, sums) ->
            sums.answer(
                tensors
                    .putObject(name)
                    .put("from", dtypes.get(name))
                    .put("to", arguments.to().name())));
    return result;
  }

  private static Digest version(JobContext context) {
    return Digest.parse(context.shared().get("version").textValue());
  }
}
