package io.sluice.compute.product;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.compute.ComputeException;
import io.sluice.compute.ComputeSpec;
import io.sluice.compute.ShardAccess;
import io.sluice.compute.ShardTasks;
import io.sluice.compute.WorkerShares;
import io.sluice.job.CommitOutcome;
import io.sluice.job.JobContext;
import io.sluice.job.JobPlan;
import io.sluice.job.Lease;
import io.sluice.job.TaskResults;
import io.sluice.job.WorkerRegistry;
import io.sluice.manifest.ManifestRepository;
import io.sluice.manifest.ModelManifest;
import io.sluice.model.ByteRange;
import io.sluice.model.Digest;
import io.sluice.model.SluiceException;
import io.sluice.placement.ChunkRuns;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What a product is of: a matrix, a task for each shard of it, and rows that all tasks need.
 *
 * @param matrix of the model that the request is about
 * @param rows in the request or in the store
 */
record Operands(Matrix matrix, RowReader rows) {
  private static final String MATRIX = "version";
  private static final String ROWS = "rows";

  /**
   * Which versions they are of: the plan settles it for all tasks.
   *
   * @param rows empty if they came with the request, or if their tag is to be resolved
   */
  record Versions(Digest matrix, Optional<Digest> rows) {
    /** Those of now. */
    static Versions resolve(ComputeSpec spec, ManifestRepository manifests) {
      return new Versions(manifests.resolve(spec.model()).version(), Optional.empty());
    }

    /** Those of the plan. */
    static Versions of(JobContext context) {
      JsonNode shared = context.shared();
      return new Versions(
          Digest.parse(shared.get(MATRIX).textValue()),
          Optional.ofNullable(shared.get(ROWS)).map(v -> Digest.parse(v.textValue())));
    }
  }

  /** A task for each shard of the matrix. */
  JobPlan plan(ComputeSpec spec, JobContext context, WorkerRegistry registry) {
    ObjectNode versions = JsonNodeFactory.instance.objectNode();
    versions.put(MATRIX, matrix.tensor().version().toString());
    rows.version().ifPresent(v -> versions.put(ROWS, v.version().orElseThrow().toString()));
    return new JobPlan(
        ShardTasks.of(matrix.manifest(), matrix.runs(), spec, context, registry), true, versions);
  }

  /** Does something with a piece of the matrix. */
  @FunctionalInterface
  interface Step {
    void take(ModelManifest.Piece piece, ShardAccess.Open shard) throws InterruptedException;
  }

  /**
   * Opens the shard of a task.
   *
   * @param step is given each piece of the matrix in it
   * @return the result of the task, with the bytes of the shard that were opened
   */
  ObjectNode execute(Lease.TaskLease lease, ShardAccess shards, JobContext context, Step step)
      throws InterruptedException {
    int shard = ShardTasks.shard(lease);
    List<ByteRange> runs = matrix.runs().get(shard);
    try (ShardAccess.Open open =
        shards.open(matrix.manifest().shards().get(shard), runs, context::addBytes)) {
      for (ModelManifest.Piece piece : matrix.pieces()) {
        if (piece.shard() == shard) {
          context.check();
          step.take(piece, open);
        }
      }
    } catch (SluiceException e) {
      throw ComputeException.busy(e);
    }
    return JsonNodeFactory.instance.objectNode().put("bytes", ChunkRuns.bytes(runs));
  }

  /** What made a model of the answer. */
  ModelManifest.Provenance provenance(ComputeSpec spec) {
    List<ModelManifest.Provenance.Parent> parents = new ArrayList<>();
    parents.add(
        new ModelManifest.Provenance.Parent(matrix.tensor().model(), matrix.tensor().version()));
    rows.version()
        .ifPresent(
            ref ->
                parents.add(
                    new ModelManifest.Provenance.Parent(ref.name(), ref.version().orElseThrow())));
    return new ModelManifest.Provenance(spec.operation(), Named.brief(spec), parents);
  }

  /** The end of the job. */
  CommitOutcome answer(ComputeSpec spec, TaskResults results, ObjectNode result) {
    WorkerShares shares = new WorkerShares();
    results.forEach(shares::add);
    ObjectNode answer = spec.answer(matrix.tensor().version(), results.size(), shares.workers());
    shares.write(answer);
    answer.putArray("skipped");
    answer.set("result", result);
    return CommitOutcome.done(answer);
  }
}
