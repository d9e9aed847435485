package io.sluice.compute.train;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.compute.ComputeException;
import io.sluice.compute.ComputeProgram;
import io.sluice.compute.ComputeSpec;
import io.sluice.compute.StoredTensors;
import io.sluice.compute.kernel.LinearKernel;
import io.sluice.compute.kernel.LittleEndian;
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
import io.sluice.job.WorkerRegistry;
import io.sluice.manifest.ManifestRepository;
import io.sluice.manifest.ModelManifest;
import io.sluice.model.DType;
import io.sluice.model.Digest;
import io.sluice.model.TensorInfo;
import io.sluice.storage.ShardReader;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicLong;

/**
 * {@code predict}: what a model that {@code train} has made says of a dataset, partition by
 * partition, and how right it is where there are labels.
 *
 * <p>Predictions of up to {@value #MAX_INLINE} numbers come in the answer; with {@code output} they
 * are stored as a version of a model of tensors {@code class} (I32 [rows]) and {@code probability}
 * (F32 [rows, classes]), or {@code target} (F32 [rows, targets]).
 */
public final class PredictProgram implements ComputeProgram {
  /** Most numbers in an answer. */
  static final int MAX_INLINE = 100_000;

  private final ManifestRepository manifests;
  private final WorkerRegistry registry;
  private final StoredTensors tensors;
  private final ModelPublisher publisher;
  private final Checkpoints checkpoints;
  private final PartitionCache cache;
  private final LinearKernel kernel = LinearKernel.best();

  /**
   * @param cache bounds the rows in memory
   */
  public PredictProgram(
      ManifestRepository manifests,
      WorkerRegistry registry,
      StoredTensors tensors,
      ModelPublisher publisher,
      ShardReader store,
      PartitionCache cache) {
    this.manifests = manifests;
    this.registry = registry;
    this.tensors = tensors;
    this.publisher = publisher;
    this.checkpoints = new Checkpoints(manifests, tensors, publisher, store);
    this.cache = cache;
  }

  @Override
  public String name() {
    return "predict";
  }

  /** What the tasks share. */
  private record Shared(DataPlan data, Digest version, boolean labelled) {
    JsonNode toJson() {
      ObjectNode json = JsonNodeFactory.instance.objectNode();
      data.write(json.putObject("data"));
      return json.put("version", version.toString()).put("labelled", labelled);
    }

    static Shared read(JsonNode json) {
      return new Shared(
          DataPlan.read(json.get("data")),
          Digest.parse(json.get("version").textValue()),
          json.get("labelled").booleanValue());
    }
  }

  @Override
  public JobPlan plan(ComputeSpec spec, Job job, JobContext context) throws InterruptedException {
    PredictSpec predict = PredictSpec.read(spec.arguments());
    Partitions.requireNoTensors(spec);
    Digest version = manifests.resolve(spec.model()).version();
    Checkpoint model = checkpoints.read(spec.model().name(), version);
    String name = predict.data().name();
    Digest dataVersion = manifests.resolve(predict.data()).version();
    ModelManifest manifest = manifests.load(name, dataVersion);
    DataSpec tensorNames =
        new DataSpec(
            predict.x().orElse(model.data().x()),
            predict.y().orElse(model.data().y()),
            model.data().xScale());
    boolean labelled =
        predict
            .labels()
            .orElseGet(
                () ->
                    predict.y().isPresent()
                        || manifest.tensors().stream()
                            .anyMatch(t -> t.info().name().equals(tensorNames.y())));
    Dataset dataset =
        Dataset.open(tensors, name, dataVersion, tensorNames, model.objective(), labelled);
    Layout layout = model.state().layout();
    if (dataset.features() != layout.features()) {
      throw ComputeException.refused(
          "the model has "
              + layout.features()
              + " features, '"
              + tensorNames.x()
              + "' of '"
              + name
              + "' has "
              + dataset.features());
    }
    if (labelled
        && model.objective() == Objective.LINEAR
        && dataset.targets() != layout.outputs()) {
      throw ComputeException.refused(
          "the model has "
              + layout.outputs()
              + " targets, '"
              + tensorNames.y()
              + "' of '"
              + name
              + "' has "
              + dataset.targets());
    }
    long rows = dataset.rows();
    int partitions = DataPlan.partitions(predict.partitions(), dataset);
    DataPlan data =
        new DataPlan(
            name,
            dataVersion,
            tensorNames,
            rows,
            dataset.features(),
            dataset.targets(),
            partitions,
            1);
    List<String> places =
        Placing.place(data, manifest, registry, context.workers(), spec.tasksPerWorker());
    for (int p = 0; p < partitions && predict.output().isPresent(); p++) {
      publisher.requireFits(blocks(model, predict, data, p));
    }
    return new JobPlan(
        Partitions.tasks(data, dataset, places),
        true,
        new Shared(data, version, labelled).toJson());
  }

  /** Numbers a row gives. */
  private static int width(Checkpoint model, PredictSpec predict) {
    int outputs = model.state().layout().outputs();
    return model.objective() == Objective.LINEAR
        ? outputs
        : 1 + (predict.probabilities() ? outputs : 0);
  }

  private static boolean inline(Checkpoint model, PredictSpec predict, DataPlan data) {
    return predict.output().isEmpty() && data.rows() * width(model, predict) <= MAX_INLINE;
  }

  private static List<OutputBlock> blocks(
      Checkpoint model, PredictSpec predict, DataPlan data, int partition) {
    long rows = data.rows();
    long outputs = model.state().layout().outputs();
    List<TensorInfo> infos = new ArrayList<>();
    if (model.objective() == Objective.LINEAR) {
      infos.add(new TensorInfo("target", DType.F32, List.of(rows, outputs)));
    } else {
      infos.add(new TensorInfo("class", DType.I32, List.of(rows)));
      if (predict.probabilities()) {
        infos.add(new TensorInfo("probability", DType.F32, List.of(rows, outputs)));
      }
    }
    return infos.stream()
        .map(i -> new OutputBlock(i, data.first(partition), data.count(partition)))
        .toList();
  }

  @Override
  public JsonNode execute(ComputeSpec spec, Lease.TaskLease lease, JobContext context)
      throws InterruptedException {
    PredictSpec predict = PredictSpec.read(spec.arguments());
    Shared shared = Shared.read(context.shared());
    DataPlan data = shared.data();
    int partition = Partitions.partition(lease);
    Checkpoint model = checkpoints.read(spec.model().name(), shared.version());
    Layout layout = model.state().layout();
    Dataset dataset =
        Dataset.open(
            tensors,
            data.model(),
            data.version(),
            data.spec(),
            model.objective(),
            shared.labelled());
    int rows = data.count(partition);
    boolean softmax = model.objective() == Objective.SOFTMAX;
    int[] classes = new int[softmax ? rows : 0];
    boolean scored = !softmax || predict.probabilities();
    float[] scores = new float[scored ? Math.multiplyExact(rows, layout.outputs()) : 0];
    Metrics metrics = new Metrics(model.objective(), layout);
    String key = context.job().id() + "/" + partition;
    try (PartitionCache.Loan loan =
        cache.borrow(
            key,
            dataset.memory(rows) + 4L * (classes.length + scores.length),
            () ->
                dataset.read(data.first(partition), rows, model.objective(), context::addBytes))) {
      Rows x = loan.rows().standardize(model.scaling());
      new LinearTrainer(model.objective(), layout, kernel, Breath.of(context))
          .predict(
              x,
              model.state().parameters(),
              (first, count, block) -> {
                for (int r = 0; r < count; r++) {
                  int at = r * layout.outputs();
                  if (softmax) {
                    classes[first + r] = LinearTrainer.argmax(block, at, layout.outputs());
                  }
                  if (shared.labelled() && softmax) {
                    metrics.addClass(block, at, classes[first + r], x.labels()[first + r]);
                  } else if (shared.labelled()) {
                    metrics.addTargets(block, at, x.targets(), first + r);
                  }
                }
                if (scored) {
                  System.arraycopy(
                      block, 0, scores, first * layout.outputs(), count * layout.outputs());
                }
              });
    } finally {
      cache.forget(key);
    }
    ObjectNode result = JsonNodeFactory.instance.objectNode();
    if (shared.labelled()) {
      result.set("metrics", metrics.toJson());
    }
    if (predict.output().isPresent()) {
      result.set("shard", store(context, model, predict, data, partition, classes, scores));
    } else if (inline(model, predict, data)) {
      ArrayNode array = result.putArray(softmax ? "classes" : "targets");
      if (softmax) {
        for (int predicted : classes) {
          array.add(predicted);
        }
        if (predict.probabilities()) {
          lines(result.putArray("probabilities"), scores, layout.outputs());
        }
      } else {
        lines(array, scores, layout.outputs());
      }
    }
    return result;
  }

  private static void lines(ArrayNode array, float[] values, int width) {
    for (int at = 0; at < values.length; at += width) {
      ArrayNode line = array.addArray();
      for (int j = 0; j < width; j++) {
        line.add(values[at + j]);
      }
    }
  }

  private JsonNode store(
      JobContext context,
      Checkpoint model,
      PredictSpec predict,
      DataPlan data,
      int partition,
      int[] classes,
      float[] scores)
      throws InterruptedException {
    return publisher
        .store(
            context.job().id(),
            ModelDraft.fresh().chunkBytes(),
            blocks(model, predict, data, partition),
            targets -> {
              if (classes.length > 0) {
                MemorySegment.copy(
                    classes, 0, targets.getFirst(), LittleEndian.INTS, 0, classes.length);
              }
              if (scores.length > 0) {
                MemorySegment.copy(
                    scores, 0, targets.getLast(), LittleEndian.FLOATS, 0, scores.length);
              }
            })
        .toJson();
  }

  @Override
  public CommitOutcome commit(ComputeSpec spec, Job job, TaskResults results, JobContext context)
      throws InterruptedException {
    PredictSpec predict = PredictSpec.read(spec.arguments());
    Shared shared = Shared.read(context.shared());
    Checkpoint model = checkpoints.read(spec.model().name(), shared.version());
    Metrics metrics = new Metrics(model.objective(), model.state().layout());
    ModelDraft draft = ModelDraft.fresh();
    Set<String> workers = new TreeSet<>();
    ObjectNode predictions = JsonNodeFactory.instance.objectNode();
    AtomicLong bytes = new AtomicLong();
    for (TaskResult task : results) {
      JsonNode result = task.result();
      workers.add(task.workerId());
      if (shared.labelled()) {
        metrics.add(result.get("metrics"));
      }
      if (result.has("shard")) {
        StoredShard shard = StoredShard.read(result.get("shard"));
        bytes.addAndGet(shard.shard().size());
        draft.add(shard);
      }
      for (String field : List.of("classes", "probabilities", "targets")) {
        if (result.has(field)) {
          predictions.withArray("/" + field).addAll((ArrayNode) result.get(field));
        }
      }
    }
    ObjectNode answer = Partitions.answer(spec, shared.version(), results.size(), workers);
    ObjectNode result =
        answer
            .putObject("result")
            .put("task", model.objective().text())
            .put("data", shared.data().model())
            .put("dataVersion", shared.data().version().toString())
            .put("rows", shared.data().rows());
    if (shared.labelled()) {
      result.set("metrics", metrics.answer());
    }
    if (predict.output().isPresent()) {
      result.set("output", publish(predict, spec, shared, job, draft).put("bytes", bytes.get()));
    } else if (inline(model, predict, shared.data())) {
      result.setAll(predictions);
    } else {
      result.put(
          "omitted",
          "the predictions are more than "
              + MAX_INLINE
              + " numbers: name a model to store them in by 'output'");
    }
    return CommitOutcome.done(answer);
  }

  private ObjectNode publish(
      PredictSpec predict, ComputeSpec spec, Shared shared, Job job, ModelDraft draft)
      throws InterruptedException {
    ObjectNode arguments = JsonNodeFactory.instance.objectNode();
    arguments.put("x", shared.data().spec().x());
    Digest version =
        publisher
            .publish(
                job.id(),
                predict.output().get(),
                Optional.empty(),
                draft,
                new ModelManifest.Provenance(
                    "predict",
                    arguments.toString(),
                    List.of(
                        new ModelManifest.Provenance.Parent(spec.model().name(), shared.version()),
                        new ModelManifest.Provenance.Parent(
                            shared.data().model(), shared.data().version()))))
            .version();
    publisher.release(job.id());
    return JsonNodeFactory.instance
        .objectNode()
        .put("model", predict.output().get().name())
        .put("tag", predict.output().get().tagOrDefault())
        .put("version", version.toString());
  }
}
