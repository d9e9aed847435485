package io.sluice.plan;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Which worker takes which shards.
 *
 * @param shardsByWorker shard indexes in ascending order by worker id; only workers that take some
 * @param nodes P, the number of workers that take some
 * @param tasks N, the number of shards, each copy counted
 * @param tasksPerNode T, the bound that was asked for; without one, the most that a worker takes
 */
public record Placement(
    Map<String, List<Integer>> shardsByWorker, int nodes, int tasks, int tasksPerNode) {
  public Placement {
    shardsByWorker = Collections.unmodifiableMap(new TreeMap<>(shardsByWorker));
  }
}
