package io.sluice.compute.embed;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.compute.ComputeException;
import io.sluice.compute.ComputeProgram;
import io.sluice.compute.ComputeSpec;
import io.sluice.compute.ShardAccess;
import io.sluice.compute.kernel.LittleEndian;
import io.sluice.compute.publish.ModelDraft;
import io.sluice.compute.publish.ModelPublisher;
import io.sluice.compute.publish.OutputBlock;
import io.sluice.compute.publish.StoredShard;
import io.sluice.job.CommitOutcome;
import io.sluice.job.Job;
import io.sluice.job.JobContext;
import io.sluice.job.JobPlan;
import io.sluice.job.JobStore;
import io.sluice.job.Lease;
import io.sluice.job.TaskResult;
import io.sluice.job.TaskResults;
import io.sluice.job.TaskSpec;
import io.sluice.json.JsonObject;
import io.sluice.manifest.ModelManifest;
import io.sluice.model.ByteRange;
import io.sluice.model.DType;
import io.sluice.model.Digest;
import io.sluice.model.ModelRef;
import io.sluice.model.SluiceException;
import io.sluice.model.TensorInfo;
import io.sluice.placement.ChunkRuns;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * {@code embed} as a job: a task for every {@value #TEXTS} texts, or for a batch of lines of a
 * stored file, on any worker; each sends its texts through the pipeline of the workers that hold
 * the layers.
 *
 * <p>Arguments are those of {@link EmbedRequest}, and:
 *
 * <ul>
 *   <li>{@code texts} may be {@code {"model": ..., "file": ...}}, a file of a stored model with a
 *       text on each line, see {@link TextFile}
 *   <li>{@code output}: a model to store the vectors in as tensor {@code embeddings}, [texts,
 *       dimensions] of F32; they are in the answer if absent
 * </ul>
 */
public final class EmbedProgram implements ComputeProgram {
  /** Texts of a task, if they are in the request. */
  static final int TEXTS = 64;

  /** Characters that a float takes in JSON, and 3 of its bytes in base64, at most. */
  private static final int JSON_FLOAT = 16;

  /** Bytes of a shard of the output. */
  private static final long OUTPUT_SHARD = 64L << 20;

  private static final String NAME = "embed";
  private static final String OUTPUT = "embeddings";

  private final Embedder embedder;
  private final TextFiles files;
  private final ShardAccess shards;
  private final ModelPublisher publisher;

  public EmbedProgram(
      Embedder embedder, TextFiles files, ShardAccess shards, ModelPublisher publisher) {
    this.embedder = embedder;
    this.files = files;
    this.shards = shards;
    this.publisher = publisher;
  }

  /**
   * The arguments.
   *
   * @param request without its texts if they are in a file
   */
  private record Arguments(
      EmbedRequest request, Optional<TextFiles.Ref> file, Optional<ModelRef> output) {
    static Arguments read(ComputeSpec spec) {
      JsonObject json = new JsonObject("arguments of 'embed'", spec.arguments());
      Optional<TextFiles.Ref> file =
          json.any("texts").filter(JsonNode::isObject).map(TextFiles.Ref::read);
      Arguments arguments =
          new Arguments(
              file.isEmpty() ? EmbedRequest.read(json) : EmbedRequest.read(json, List.of("")),
              file,
              json.optionalText("output").map(ModelRef::parse));
      json.end();
      arguments.output.ifPresent(ModelPublisher::requireTarget);
      return arguments;
    }
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public JobPlan plan(ComputeSpec spec, Job job, JobContext context) throws InterruptedException {
    if (!spec.tensors().all()) {
      throw ComputeException.invalidArguments(
          "'embed' takes the tensors of the encoder and no others: leave out 'tensors'");
    }
    Arguments arguments = Arguments.read(spec);
    Embedder.Known known = embedder.known(spec.model(), arguments.request);
    ObjectNode shared =
        JsonNodeFactory.instance.objectNode().put("version", known.version().toString());
    List<TaskSpec> tasks = new ArrayList<>();
    long count = 0;
    if (arguments.file.isPresent()) {
      TextFiles.Ref ref = arguments.file.get();
      Digest version = files.version(ref);
      shared.put("texts", version.toString());
      for (TextFile.Batch batch : files.open(ref, version).batches(context)) {
        count = batch.firstLine() + batch.lines();
        ObjectNode payload = payload(batch.firstLine(), count);
        payload.put("offset", batch.bytes().offset()).put("bytes", batch.bytes().length());
        tasks.add(task(payload));
      }
    } else {
      count = arguments.request.texts().size();
      for (long first = 0; first < count; first += TEXTS) {
        tasks.add(task(payload(first, Math.min(count, first + TEXTS))));
      }
    }
    if (arguments.output.isEmpty()) {
      requireAnswer(count, known.hidden(), arguments.request.base64());
    } else {
      publisher.requireFits(List.of(output(count, known.hidden(), 0)));
    }
    return new JobPlan(tasks, false, shared.put("count", count));
  }

  private static ObjectNode payload(long first, long end) {
    return JsonNodeFactory.instance.objectNode().put("first", first).put("end", end);
  }

  private static TaskSpec task(ObjectNode payload) {
    return new TaskSpec("texts-" + payload.get("first"), payload, 0, Optional.empty());
  }

  private static void requireAnswer(long count, int hidden, boolean base64) {
    long bytes = count * hidden * (base64 ? 6 : JSON_FLOAT);
    if (bytes > JobStore.MAX_RESULT_BYTES) {
      throw EmbedException.arguments(
          count
              + " vectors of "
              + hidden
              + " floats take up to "
              + bytes
              + " bytes, a result has at most "
              + JobStore.MAX_RESULT_BYTES
              + ": have them stored as a model by the argument 'output', send fewer texts"
              + (base64 ? "" : " or ask for \"encoding\":\"base64\""));
    }
  }

  @Override
  public JsonNode execute(ComputeSpec spec, Lease.TaskLease task, JobContext context)
      throws InterruptedException {
    Arguments arguments = Arguments.read(spec);
    JsonNode payload = task.task().payload();
    List<String> texts = texts(arguments, payload, context);
    Embeddings part =
        embedder.embed(spec.model().name(), version(context), arguments.request.with(texts));
    if (arguments.output.isEmpty()) {
      return part.toJson(true);
    }
    int hidden = part.vectors().getFirst().length;
    long first = payload.get("first").longValue();
    TensorInfo slice =
        new TensorInfo(
            OUTPUT + "." + first, DType.F32, List.of((long) texts.size(), (long) hidden));
    StoredShard stored =
        publisher.store(
            context.job().id(),
            ModelDraft.fresh().chunkBytes(),
            List.of(OutputBlock.whole(slice)),
            targets -> {
              long at = 0;
              for (float[] vector : part.vectors()) {
                MemorySegment.copy(vector, 0, targets.getFirst(), LittleEndian.FLOATS, at, hidden);
                at += 4L * hidden;
              }
            });
    ObjectNode json = part.summary(hidden).put("first", first);
    json.set("slice", stored.toJson());
    return json;
  }

  private List<String> texts(Arguments arguments, JsonNode payload, JobContext context)
      throws InterruptedException {
    long first = payload.get("first").longValue();
    long end = payload.get("end").longValue();
    if (arguments.file.isEmpty()) {
      return arguments.request.texts().subList((int) first, (int) end);
    }
    Digest version = Digest.parse(context.shared().get("texts").textValue());
    ByteRange bytes =
        new ByteRange(payload.get("offset").longValue(), payload.get("bytes").longValue());
    return files
        .open(arguments.file.get(), version)
        .texts(new TextFile.Batch(first, (int) (end - first), bytes));
  }

  @Override
  public CommitOutcome commit(ComputeSpec spec, Job job, TaskResults results, JobContext context)
      throws InterruptedException {
    Arguments arguments = Arguments.read(spec);
    EmbedRequest request = arguments.request;
    Embedder.Known known = embedder.known(spec.model().at(version(context)), request);
    List<float[]> vectors = new ArrayList<>();
    TreeMap<Long, StoredShard> slices = new TreeMap<>();
    Map<String, SortedSet<Integer>> parts = new TreeMap<>();
    TreeSet<String> tasksOf = new TreeSet<>();
    long tokens = 0;
    int truncated = 0;
    for (TaskResult result : results) {
      JsonNode part = result.result();
      if (arguments.output.isEmpty()) {
        part.get("embeddings").forEach(v -> vectors.add(Embeddings.floats(v.textValue())));
      } else {
        slices.put(part.get("first").longValue(), StoredShard.read(part.get("slice")));
      }
      tokens += part.get("tokens").longValue();
      truncated += part.get("truncated").intValue();
      Embeddings.readParts(part.get("workers"), parts);
      tasksOf.add(result.workerId());
    }
    Embeddings all =
        new Embeddings(
            spec.model().name(),
            version(context),
            known.settings(),
            vectors,
            tokens,
            truncated,
            parts);
    ObjectNode answer = spec.answer(version(context), results.size(), tasksOf.size());
    ObjectNode json =
        arguments.output.isEmpty() ? all.toJson(request.base64()) : all.summary(known.hidden());
    ArrayNode workers = answer.putArray("workers");
    json.get("workers").forEach(workers::add);
    answer.putArray("skipped");
    json.remove(Arrays.asList("model", "version", "workers"));
    if (arguments.output.isPresent()) {
      long count = context.shared().get("count").longValue();
      Digest made = publish(spec, arguments, job, slices, count, known.hidden(), context);
      publisher.release(job.id());
      json.putArray("shape").add(count).add(known.hidden());
      json.put("model", arguments.output.get().name());
      json.put("version", made.toString());
      json.put("tensor", OUTPUT);
    }
    answer.set("result", json);
    return CommitOutcome.done(answer);
  }

  /** The shard of the output that begins with a row. */
  private static OutputBlock output(long count, int hidden, long firstRow) {
    long rows = Math.min(Math.max(1, OUTPUT_SHARD / (4L * hidden)), count - firstRow);
    return new OutputBlock(
        new TensorInfo(OUTPUT, DType.F32, List.of(count, (long) hidden)), firstRow, rows);
  }

  private Digest publish(
      ComputeSpec spec,
      Arguments arguments,
      Job job,
      TreeMap<Long, StoredShard> slices,
      long count,
      int hidden,
      JobContext context)
      throws InterruptedException {
    ModelDraft draft = ModelDraft.fresh();
    for (long row = 0; row < count; ) {
      context.check();
      OutputBlock block = output(count, hidden, row);
      draft.add(
          publisher.store(
              job.id(),
              draft.chunkBytes(),
              List.of(block),
              targets -> gather(slices, block, targets.getFirst())));
      row += block.rows();
    }
    List<ModelManifest.Provenance.Parent> parents = new ArrayList<>();
    parents.add(new ModelManifest.Provenance.Parent(spec.model().name(), version(context)));
    arguments.file.ifPresent(
        ref ->
            parents.add(
                new ModelManifest.Provenance.Parent(
                    ref.model().name(), Digest.parse(context.shared().get("texts").textValue()))));
    ObjectNode brief = JsonNodeFactory.instance.objectNode();
    brief.setAll((ObjectNode) spec.arguments());
    if (arguments.file.isEmpty()) {
      brief.put("texts", count + " given in the request");
    }
    return publisher
        .publish(
            job.id(),
            arguments.output.orElseThrow(),
            Optional.empty(),
            draft,
            new ModelManifest.Provenance(NAME, brief.toString(), parents))
        .version();
  }

  /** Puts the rows of a block, which tasks have stored, one after the other. */
  private void gather(TreeMap<Long, StoredShard> slices, OutputBlock block, MemorySegment target)
      throws InterruptedException {
    long rowBytes = block.tensor().rowBytes();
    long end = block.firstRow() + block.rows();
    long start = slices.floorKey(block.firstRow());
    for (Map.Entry<Long, StoredShard> entry : slices.subMap(start, end).entrySet()) {
      long first = entry.getKey();
      StoredShard slice = entry.getValue();
      StoredShard.Placed placed = slice.blocks().getFirst();
      long from = Math.max(first, block.firstRow());
      long to = Math.min(first + placed.block().rows(), end);
      ByteRange range =
          new ByteRange(placed.offset() + (from - first) * rowBytes, (to - from) * rowBytes);
      List<ByteRange> runs = ChunkRuns.cover(slice.shard().checksums(), List.of(range));
      try (ShardAccess.Open open = shards.open(slice.shard(), runs, bytes -> {})) {
        target
            .asSlice((from - block.firstRow()) * rowBytes, range.length())
            .copyFrom(open.bytes(range));
      } catch (SluiceException e) {
        throw ComputeException.busy(e);
      }
    }
  }

  private static Digest version(JobContext context) {
    return Digest.parse(context.shared().get("version").textValue());
  }
}
