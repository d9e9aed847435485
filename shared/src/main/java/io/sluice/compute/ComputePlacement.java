package io.sluice.compute;

import io.sluice.job.Worker;
import io.sluice.plan.ShardNeed;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Predicate;

/**
 * Which worker computes on which shard: one that holds it, else one with room for it. Unlike a
 * load, the shards need not be in memory all at once, so each has to fit only by itself.
 */
public final class ComputePlacement {
  private final List<Worker> workers;
  private final Map<String, Integer> tasks = new HashMap<>();
  private final Map<String, Long> bytes = new HashMap<>();
  private final int limit;

  private ComputePlacement(List<Worker> workers, int limit) {
    this.workers = workers;
    this.limit = limit;
  }

  /**
   * The worker of each shard.
   *
   * @param holders ids of the workers that hold a shard, by its index
   * @throws ComputeException of kind CAPACITY if a shard fits nowhere or T leaves no place for it
   */
  public static Map<Integer, String> place(
      List<ShardNeed> needs,
      Map<Integer, Set<String>> holders,
      List<Worker> workers,
      OptionalInt tasksPerWorker) {
    if (workers.isEmpty()) {
      throw ComputeException.noRoom("there is no live worker");
    }
    int limit = tasksPerWorker.orElse(Integer.MAX_VALUE);
    long nodes = Math.ceilDiv((long) needs.size(), limit);
    if (nodes > workers.size()) {
      throw ComputeException.noRoom(
          needs.size()
              + " tasks at "
              + limit
              + " tasks a worker need "
              + nodes
              + " workers, "
              + workers.size()
              + " are live");
    }
    List<Worker> chosen = new ArrayList<>(workers);
    if (tasksPerWorker.isPresent()) {
      // P = N/T nodes: those that hold the most, then those with the most room.
      Map<String, Integer> held = new HashMap<>();
      holders.values().forEach(ids -> ids.forEach(id -> held.merge(id, 1, Integer::sum)));
      chosen.sort(
          Comparator.comparingInt((Worker w) -> -held.getOrDefault(w.id(), 0))
              .thenComparing(Comparator.comparingLong(Worker::freeBytes).reversed())
              .thenComparing(Worker::id));
      chosen = chosen.subList(0, (int) nodes);
    }
    ComputePlacement placement = new ComputePlacement(chosen, limit);
    Map<Integer, String> placed = new HashMap<>();
    List<ShardNeed> loose = new ArrayList<>();
    for (ShardNeed need : needs) {
      Set<String> ids = holders.getOrDefault(need.shard(), Set.of());
      Worker holder = placement.least(w -> ids.contains(w.id()));
      if (holder == null) {
        loose.add(need);
      } else {
        placed.put(need.shard(), placement.take(holder, need));
      }
    }
    loose.sort(Comparator.comparingLong(ShardNeed::bytes).reversed());
    for (ShardNeed need : loose) {
      Worker worker = placement.least(w -> w.freeBytes() >= need.bytes());
      if (worker == null) {
        throw ComputeException.noRoom(
            "shard "
                + need.shard()
                + " is in no memory and its "
                + need.bytes()
                + " bytes fit none of "
                + chosen.size()
                + " workers, of which the emptiest has "
                + chosen.stream().mapToLong(Worker::freeBytes).max().orElse(0)
                + " bytes free");
      }
      placed.put(need.shard(), placement.take(worker, need));
    }
    return placed;
  }

  private Worker least(Predicate<Worker> suited) {
    return workers.stream()
        .filter(w -> tasks.getOrDefault(w.id(), 0) < limit && suited.test(w))
        .min(
            Comparator.comparingLong((Worker w) -> bytes.getOrDefault(w.id(), 0L))
                .thenComparing(Worker::id))
        .orElse(null);
  }

  private String take(Worker worker, ShardNeed need) {
    tasks.merge(worker.id(), 1, Integer::sum);
    bytes.merge(worker.id(), need.bytes(), Long::sum);
    return worker.id();
  }
}
