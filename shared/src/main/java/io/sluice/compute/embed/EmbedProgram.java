package io.sluice.compute.embed;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.compute.ComputeException;
import io.sluice.compute.ComputeProgram;
import io.sluice.compute.ComputeSpec;
import io.sluice.job.CommitOutcome;
import io.sluice.job.FanOut;
import io.sluice.job.Job;
import io.sluice.job.JobContext;
import io.sluice.job.JobPlan;
import io.sluice.job.JobStore;
import io.sluice.job.Lease;
import io.sluice.job.TaskResult;
import io.sluice.job.TaskResults;
import io.sluice.job.TaskSpec;
import io.sluice.model.Digest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * {@code embed} as a job: a task for every {@value #TEXTS} texts, on any worker; each sends its
 * texts through the pipeline of the workers that hold the layers. Arguments are those of {@link
 * EmbedRequest}.
 */
public final class EmbedProgram implements ComputeProgram {
  /** Texts of a task. */
  static final int TEXTS = 64;

  /** Characters that a float takes in JSON, and 3 of its bytes in base64, at most. */
  private static final int JSON_FLOAT = 16;

  private final Embedder embedder;

  public EmbedProgram(Embedder embedder) {
    this.embedder = embedder;
  }

  @Override
  public String name() {
    return "embed";
  }

  @Override
  public JobPlan plan(ComputeSpec spec, Job job, JobContext context) {
    if (!spec.tensors().all()) {
      throw ComputeException.invalidArguments(
          "'embed' takes the tensors of the encoder and no others: leave out 'tensors'");
    }
    EmbedRequest request = EmbedRequest.read(spec.arguments());
    Embedder.Known known = embedder.known(spec.model(), request);
    int count = request.texts().size();
    long bytes = (long) count * known.hidden() * (request.base64() ? 6 : JSON_FLOAT);
    if (bytes > JobStore.MAX_RESULT_BYTES) {
      throw EmbedException.arguments(
          count
              + " vectors of "
              + known.hidden()
              + " floats take up to "
              + bytes
              + " bytes, a result has at most "
              + JobStore.MAX_RESULT_BYTES
              + ": send fewer texts"
              + (request.base64() ? "" : " or ask for \"encoding\":\"base64\""));
    }
    List<TaskSpec> tasks = new ArrayList<>();
    for (int first = 0; first < count; first += TEXTS) {
      tasks.add(
          new TaskSpec(
              "texts-" + first,
              JsonNodeFactory.instance
                  .objectNode()
                  .put("first", first)
                  .put("end", Math.min(count, first + TEXTS)),
              0,
              Optional.empty()));
    }
    return new JobPlan(
        tasks,
        false,
        JsonNodeFactory.instance.objectNode().put("version", known.version().toString()));
  }

  @Override
  public JsonNode execute(ComputeSpec spec, Lease.TaskLease task, JobContext context)
      throws InterruptedException {
    EmbedRequest request = EmbedRequest.read(spec.arguments());
    JsonNode payload = task.task().payload();
    List<String> texts =
        request.texts().subList(payload.get("first").intValue(), payload.get("end").intValue());
    Embeddings part = embedder.embed(spec.model().name(), version(context), request.with(texts));
    return part.toJson(true);
  }

  @Override
  public CommitOutcome commit(ComputeSpec spec, Job job, TaskResults results, JobContext context) {
    EmbedRequest request = EmbedRequest.read(spec.arguments());
    Embedder.Known known = embedder.known(spec.model().at(version(context)), request);
    List<float[]> vectors = new ArrayList<>();
    Map<String, SortedSet<Integer>> parts = new TreeMap<>();
    TreeSet<String> tasksOf = new TreeSet<>();
    long tokens = 0;
    int truncated = 0;
    for (TaskResult result : results) {
      JsonNode part = result.result();
      part.get("embeddings").forEach(v -> vectors.add(Embeddings.floats(v.textValue())));
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
    ObjectNode answer =
        JsonNodeFactory.instance
            .objectNode()
            .put("model", spec.model().name())
            .put("version", version(context).toString())
            .put("operation", name());
    FanOut.write(answer, results.size(), tasksOf.size(), spec.tasksPerWorker());
    ObjectNode json = all.toJson(request.base64());
    ArrayNode workers = answer.putArray("workers");
    json.get("workers").forEach(workers::add);
    answer.putArray("skipped");
    json.remove(Arrays.asList("model", "version", "workers"));
    answer.set("result", json);
    return CommitOutcome.done(answer);
  }

  private static Digest version(JobContext context) {
    return Digest.parse(context.shared().get("version").textValue());
  }
}
