package io.sluice.compute.product;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.compute.ComputeException;
import io.sluice.compute.ComputeProgram;
import io.sluice.compute.ComputeSpec;
import io.sluice.compute.kernel.LittleEndian;
import io.sluice.compute.kernel.Nearest;
import io.sluice.compute.kernel.Parallel;
import io.sluice.compute.kernel.Ranking;
import io.sluice.compute.kernel.Weights;
import io.sluice.compute.publish.ModelDraft;
import io.sluice.compute.publish.ModelPublisher;
import io.sluice.compute.publish.OutputBlock;
import io.sluice.job.CommitOutcome;
import io.sluice.job.Job;
import io.sluice.job.JobContext;
import io.sluice.job.JobPlan;
import io.sluice.job.Lease;
import io.sluice.job.TaskResult;
import io.sluice.job.TaskResults;
import io.sluice.json.JsonObject;
import io.sluice.model.DType;
import io.sluice.model.Digest;
import io.sluice.model.ModelRef;
import io.sluice.model.TensorInfo;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * {@code topk}: the rows of an embedding matrix that are nearest to each of some queries.
 *
 * <p>Each task ranks the rows of one shard, block by block, and the commit merges the rankings.
 * Equal scores are ordered by row, the lower first, so the answer is the same however the matrix is
 * split. A row whose score is not a number (it, or the query, has elements that are none) is left
 * out and counted. The cosine with a row or query of zeros is 0.
 *
 * <p>Arguments:
 *
 * <ul>
 *   <li>{@code matrix}: name of the matrix, [rows, dimensions] of F32, F16, BF16, Q8_0 or I8; the
 *       one tensor of the request if absent
 *   <li>{@code scales}: name of a tensor of one float for each row of an I8 matrix
 *   <li>{@code queries}: rows of numbers, or one such row, or a tensor by reference
 *   <li>{@code k}: how many rows to find of each query, 10 if absent
 *   <li>{@code metric}: {@code cosine} (if absent), {@code dot} or {@code l2}
 *   <li>{@code output}: a model to store the answer in, as tensors {@code rows}, [queries, k] of
 *       I64, and {@code scores}, [queries, k] of F32; where rows were left out and less than k
 *       remain, the row is -1 and the score NaN
 * </ul>
 */
public final class TopkProgram implements ComputeProgram {
  /** Largest k. */
  public static final int MAX_K = 10_000;

  /** Most rows in an answer: of all queries together. */
  public static final int MAX_ANSWER = 1 << 17;

  /** Most elements of all queries. */
  public static final int MAX_QUERY_ELEMENTS = 1 << 24;

  private static final int DEFAULT_K = 10;

  private static final Map<String, Nearest.Metric> METRICS =
      Map.of("cosine", Nearest.Metric.COSINE, "dot", Nearest.Metric.DOT, "l2", Nearest.Metric.L2);

  private final MatrixSource source;
  private final ModelPublisher publisher;
  private final Parallel parallel;
  private final SharedInputs inputs = new SharedInputs();

  public TopkProgram(MatrixSource source, ModelPublisher publisher, Parallel parallel) {
    this.source = source;
    this.publisher = publisher;
    this.parallel = parallel;
  }

  private record Arguments(
      String matrix,
      Optional<String> scales,
      InputRows queries,
      int k,
      Nearest.Metric metric,
      Optional<ModelRef> output) {
    static Arguments read(ComputeSpec spec) {
      JsonObject json = new JsonObject("arguments of 'topk'", spec.arguments());
      Arguments arguments =
          new Arguments(
              Named.tensor("matrix", json, spec),
              json.optionalText("scales"),
              Named.rows("queries", json),
              json.optionalInt("k", 1, MAX_K).orElse(DEFAULT_K),
              metric(json.optionalText("metric").orElse("cosine")),
              json.optionalText("output").map(ModelRef::parse));
      json.end();
      arguments.output.ifPresent(ModelPublisher::requireTarget);
      return arguments;
    }

    private static Nearest.Metric metric(String name) {
      Nearest.Metric metric = METRICS.get(name);
      if (metric == null) {
        throw ComputeException.invalidArguments(
            "'metric' is cosine, dot or l2, got '" + name + "'");
      }
      return metric;
    }
  }

  /** Everything about a search that its tasks have in common. */
  private final class Search {
    final Arguments arguments;
    final Matrix matrix;
    final RowReader queries;
    final Operands operands;

    Search(ComputeSpec spec, Operands.Versions versions) {
      this.arguments = Arguments.read(spec);
      this.matrix =
          Matrix.locate(
              "matrix", spec, versions.matrix(), arguments.matrix, arguments.scales, source);
      this.queries =
          RowReader.open(
              "queries", arguments.queries, versions.rows(), matrix.columns(), source.tensors());
      this.operands = new Operands(matrix, queries);
      if (arguments.k > matrix.rows()) {
        throw ComputeException.invalidArguments(
            "'k' is at most the number of rows, tensor '"
                + arguments.matrix
                + "' has "
                + matrix.rows()
                + ", got "
                + arguments.k);
      }
      if (queries.rows() > MAX_ANSWER / arguments.k) {
        throw ComputeException.tooLarge(
            "an answer holds at most "
                + MAX_ANSWER
                + " rows, "
                + arguments.k
                + " of each of "
                + queries.rows()
                + " queries are more: ask for fewer rows or in several requests");
      }
      if (queries.rows() > MAX_QUERY_ELEMENTS / matrix.columns()) {
        throw ComputeException.tooLarge(
            "all queries have at most "
                + MAX_QUERY_ELEMENTS
                + " elements, got "
                + queries.rows()
                + " x "
                + matrix.columns()
                + ": ask in several requests");
      }
    }

    int count() {
      return (int) queries.rows();
    }

    /** What is stored: rows and scores. */
    List<OutputBlock> output() {
      List<Long> shape = List.of(queries.rows(), (long) arguments.k);
      return List.of(
          OutputBlock.whole(new TensorInfo("rows", DType.I64, shape)),
          OutputBlock.whole(new TensorInfo("scores", DType.F32, shape)));
    }
  }

  @Override
  public String name() {
    return "topk";
  }

  @Override
  public JobPlan plan(ComputeSpec spec, Job job, JobContext context) {
    Search search = new Search(spec, Operands.Versions.resolve(spec, source.manifests()));
    if (search.arguments.output.isPresent()) {
      publisher.requireFits(search.output());
    }
    return search.operands.plan(spec, context, source.registry());
  }

  @Override
  public JsonNode execute(ComputeSpec spec, Lease.TaskLease lease, JobContext context)
      throws InterruptedException {
    Search search = new Search(spec, Operands.Versions.of(context));
    int n = search.count();
    int k = search.arguments.k;
    int columns = search.matrix.columns();
    float[] queries = search.queries.read(0, n, inputs, context);
    Nearest nearest = new Nearest(search.arguments.metric, queries, n, columns, k);
    Ranking ranking = new Ranking(n, k);
    ObjectNode result =
        search.operands.execute(
            lease,
            source.shards(),
            context,
            (piece, open) -> {
              Weights rows =
                  search.matrix.weights(piece, open, source.tensors(), context::addBytes);
              ranking.merge(nearest.rank(rows, piece.firstRow(), parallel, context::cancelled));
              context.check();
            });
    return result.put("ranking", Base64.getEncoder().encodeToString(ranking.toBytes()));
  }

  @Override
  public void left(String job) {
    inputs.forget(job);
  }

  /** Bytes of queries that tasks share. */
  long inputBytes() {
    return inputs.bytes();
  }

  @Override
  public CommitOutcome commit(ComputeSpec spec, Job job, TaskResults results, JobContext context)
      throws InterruptedException {
    Search search = new Search(spec, Operands.Versions.of(context));
    Arguments arguments = search.arguments;
    Ranking ranking = new Ranking(search.count(), arguments.k);
    for (TaskResult task : results) {
      byte[] bytes = Floats.bytes(task.result().get("ranking").textValue());
      try {
        ranking.merge(Ranking.read(bytes, search.count(), arguments.k));
      } catch (IllegalArgumentException e) {
        throw ComputeException.invalidPartial(e.getMessage());
      }
    }
    ObjectNode result = JsonNodeFactory.instance.objectNode();
    result.put("matrix", arguments.matrix);
    result.put("metric", arguments.metric.name().toLowerCase(Locale.ROOT));
    result.put("k", arguments.k);
    if (arguments.output.isPresent()) {
      Digest version = publish(spec, search, ranking, job);
      publisher.release(job.id());
      result.putArray("shape").add(search.count()).add(arguments.k);
      result.put("model", arguments.output.get().name());
      result.put("version", version.toString());
      result.putArray("tensors").add("rows").add("scores");
    } else {
      inline(search, ranking, result.putArray("queries"));
    }
    return search.operands.answer(spec, results, result);
  }

  private static void inline(Search search, Ranking ranking, ArrayNode queries) {
    for (int query = 0; query < search.count(); query++) {
      ObjectNode one = queries.addObject();
      ArrayNode rows = one.putArray("rows");
      ArrayNode scores = one.putArray("scores");
      for (Ranking.Entry entry : ranking.best(query)) {
        rows.add(entry.row());
        Floats.add(scores, (float) Nearest.measure(search.arguments.metric, entry.score()));
      }
      one.put("skipped", ranking.skipped(query));
    }
  }

  private Digest publish(ComputeSpec spec, Search search, Ranking ranking, Job job)
      throws InterruptedException {
    int k = search.arguments.k;
    long[] rows = new long[search.count() * k];
    float[] scores = new float[rows.length];
    Arrays.fill(rows, -1);
    Arrays.fill(scores, Float.NaN);
    for (int query = 0; query < search.count(); query++) {
      int at = query * k;
      for (Ranking.Entry entry : ranking.best(query)) {
        rows[at] = entry.row();
        scores[at++] = (float) Nearest.measure(search.arguments.metric, entry.score());
      }
    }
    ModelDraft draft = ModelDraft.fresh();
    draft.add(
        publisher.store(
            job.id(),
            draft.chunkBytes(),
            search.output(),
            targets -> {
              int n = rows.length;
              MemorySegment.copy(rows, 0, targets.get(0), LittleEndian.LONGS, 0, n);
              MemorySegment.copy(scores, 0, targets.get(1), LittleEndian.FLOATS, 0, n);
            }));
    return publisher
        .publish(
            job.id(),
            search.arguments.output.orElseThrow(),
            Optional.empty(),
            draft,
            search.operands.provenance(spec))
        .version();
  }
}
