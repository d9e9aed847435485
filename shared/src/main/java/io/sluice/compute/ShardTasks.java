package io.sluice.compute;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.sluice.job.JobContext;
import io.sluice.job.Lease;
import io.sluice.job.TaskSpec;
import io.sluice.job.WorkerRegistry;
import io.sluice.manifest.ModelManifest;
import io.sluice.model.ByteRange;
import io.sluice.placement.ChunkRuns;
import io.sluice.placement.Placements;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The tasks of a computation that has one for each shard. */
public final class ShardTasks {
  private static final String SHARD = "shard";

  private ShardTasks() {}

  /**
   * One task a shard, each on a worker that holds it if there is one.
   *
   * @param runs of chunks of each shard that are needed
   * @throws ComputeException of kind CAPACITY, see {@link ComputePlacement#place}
   */
  public static List<TaskSpec> of(
      ModelManifest manifest,
      Map<Integer, List<ByteRange>> runs,
      ComputeSpec spec,
      JobContext context,
      WorkerRegistry registry) {
    Map<Integer, String> placed =
        ComputePlacement.place(
            Placements.needs(manifest, runs),
            Placements.holders(manifest, runs, registry),
            context.workers(),
            spec.tasksPerWorker());
    List<TaskSpec> tasks = new ArrayList<>();
    runs.forEach(
        (shard, chunks) -> tasks.add(of(shard, ChunkRuns.bytes(chunks), placed.get(shard))));
    return tasks;
  }

  /** The task of a shard, preferably on that worker. */
  public static TaskSpec of(int shard, long bytes, String worker) {
    return new TaskSpec(
        "shard-" + shard,
        JsonNodeFactory.instance.objectNode().put(SHARD, shard),
        bytes,
        Optional.of(worker));
  }

  /** The shard of a task. */
  public static int shard(Lease.TaskLease lease) {
    return lease.task().payload().get(SHARD).intValue();
  }
}
