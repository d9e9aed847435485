package io.sluice.placement;

import io.sluice.job.Worker;
import io.sluice.job.WorkerRegistry;
import io.sluice.manifest.ModelManifest;
import io.sluice.memory.Coverage;
import io.sluice.memory.SlabPool;
import io.sluice.model.ByteRange;
import io.sluice.model.Digest;
import io.sluice.plan.ShardNeed;
import io.sluice.plan.WorkerCapacity;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What the placement planner needs to know, read from the manifest and the worker registry. */
public final class Placements {
  private Placements() {}

  /** The wanted shards with the memory that each takes. */
  public static List<ShardNeed> needs(
      ModelManifest manifest, Map<Integer, List<ByteRange>> wanted) {
    List<ShardNeed> needs = new ArrayList<>();
    wanted.forEach(
        (shard, runs) ->
            needs.add(
                new ShardNeed(shard, manifest.shards().get(shard).digest(), footprint(runs))));
    return needs;
  }

  /** The workers with their free memory and those wanted shards that they hold already. */
  public static List<WorkerCapacity> capacities(
      ModelManifest manifest,
      Map<Integer, List<ByteRange>> wanted,
      List<Worker> workers,
      WorkerRegistry registry) {
    Map<String, Set<Digest>> held = new HashMap<>();
    holders(manifest, wanted, registry)
        .forEach(
            (shard, ids) ->
                ids.forEach(
                    id ->
                        held.computeIfAbsent(id, i -> new HashSet<>())
                            .add(manifest.shards().get(shard).digest())));
    return workers.stream()
        .map(w -> new WorkerCapacity(w.id(), w.freeBytes(), held.getOrDefault(w.id(), Set.of())))
        .toList();
  }

  /** Which live workers hold all that is wanted of each shard, by index of the shard. */
  public static Map<Integer, Set<String>> holders(
      ModelManifest manifest, Map<Integer, List<ByteRange>> wanted, WorkerRegistry registry) {
    Map<Digest, Map<String, String>> coverages =
        registry.holders(
            wanted.keySet().stream().map(s -> manifest.shards().get(s).digest()).toList());
    Map<Integer, Set<String>> holders = new HashMap<>();
    wanted.forEach(
        (shard, runs) ->
            coverages
                .getOrDefault(manifest.shards().get(shard).digest(), Map.of())
                .forEach(
                    (worker, coverage) -> {
                      if (Coverage.parse(coverage).containsAll(runs)) {
                        holders.computeIfAbsent(shard, s -> new HashSet<>()).add(worker);
                      }
                    }));
    return holders;
  }

  /** Bytes of a worker's budget that these runs take. */
  public static long footprint(List<ByteRange> runs) {
    return runs.stream().mapToLong(run -> SlabPool.footprint(run.length())).sum();
  }
}
