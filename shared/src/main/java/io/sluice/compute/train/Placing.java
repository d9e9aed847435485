package io.sluice.compute.train;

import io.sluice.compute.ComputeException;
import io.sluice.job.Worker;
import io.sluice.job.WorkerRegistry;
import io.sluice.manifest.ModelManifest;
import io.sluice.model.ByteRange;
import io.sluice.placement.Placements;
import io.sluice.placement.ShardSelection;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;

/**
 * Which worker takes which partition, the same one in every round, so that rows stay where they are
 * decoded: one that holds most of its rows, else the one with the fewest partitions.
 */
final class Placing {
  private Placing() {}

  /**
   * P = N/T workers, evenly.
   *
   * @param tasksPerWorker T
   * @throws ComputeException of kind CAPACITY if there are not enough workers
   */
  static List<String> place(
      DataPlan plan,
      ModelManifest manifest,
      WorkerRegistry registry,
      List<Worker> live,
      OptionalInt tasksPerWorker) {
    int partitions = plan.partitions();
    if (live.isEmpty()) {
      throw ComputeException.noRoom("there is no live worker");
    }
    int wanted =
        tasksPerWorker.isPresent()
            ? Math.ceilDiv(partitions, tasksPerWorker.getAsInt())
            : Math.min(partitions, live.size());
    if (wanted > live.size()) {
      throw ComputeException.noRoom(
          partitions
              + " partitions at "
              + tasksPerWorker.getAsInt()
              + " a worker need "
              + wanted
              + " workers, "
              + live.size()
              + " are live");
    }
    Map<Integer, Set<String>> holders = holders(plan, manifest, registry);
    Map<String, Long> held = new HashMap<>();
    holders.values().forEach(ids -> ids.forEach(id -> held.merge(id, 1L, Long::sum)));
    List<String> chosen =
        live.stream()
            .sorted(
                Comparator.comparingLong((Worker w) -> -held.getOrDefault(w.id(), 0L))
                    .thenComparing(Comparator.comparingLong(Worker::freeBytes).reversed())
                    .thenComparing(Worker::id))
            .limit(wanted)
            .map(Worker::id)
            .toList();
    int most = tasksPerWorker.orElse(Math.ceilDiv(partitions, wanted));
    Map<String, Integer> load = new HashMap<>();
    List<String> placed = new ArrayList<>();
    for (int p = 0; p < partitions; p++) {
      Map<String, Long> rows = rows(plan, manifest, holders, p);
      String best =
          chosen.stream()
              .filter(id -> load.getOrDefault(id, 0) < most)
              .min(
                  Comparator.comparingLong((String id) -> -rows.getOrDefault(id, 0L))
                      .thenComparing(id -> load.getOrDefault(id, 0))
                      .thenComparing(Comparator.naturalOrder()))
              .orElseThrow();
      load.merge(best, 1, Integer::sum);
      placed.add(best);
    }
    return placed;
  }

  /** The same places, but those of workers that are gone dealt out to the others. */
  static List<String> mend(List<String> places, List<Worker> live) {
    List<String> ids = live.stream().map(Worker::id).sorted().toList();
    if (ids.isEmpty() || ids.containsAll(places)) {
      return places;
    }
    Map<String, Integer> load = new HashMap<>();
    places.forEach(id -> load.merge(id, 1, Integer::sum));
    List<String> mended = new ArrayList<>();
    for (String place : places) {
      String next = place;
      if (!ids.contains(place)) {
        next =
            ids.stream()
                .min(
                    Comparator.comparingInt((String id) -> load.getOrDefault(id, 0))
                        .thenComparing(Comparator.naturalOrder()))
                .orElseThrow();
        load.merge(next, 1, Integer::sum);
      }
      mended.add(next);
    }
    return mended;
  }

  private static boolean isData(DataPlan plan, ModelManifest.Tensor tensor) {
    String name = tensor.info().name();
    return name.equals(plan.spec().x()) || name.equals(plan.spec().y());
  }

  private static Map<Integer, Set<String>> holders(
      DataPlan plan, ModelManifest manifest, WorkerRegistry registry) {
    Map<Integer, List<ByteRange>> wanted =
        ShardSelection.runs(manifest, (ModelManifest.Tensor t) -> isData(plan, t));
    return Placements.holders(manifest, wanted, registry);
  }

  /** Rows of x and y of a partition that each worker holds. */
  private static Map<String, Long> rows(
      DataPlan plan, ModelManifest manifest, Map<Integer, Set<String>> holders, int partition) {
    Map<String, Long> rows = new HashMap<>();
    long from = plan.first(partition);
    long to = plan.first(partition + 1);
    for (ModelManifest.Tensor tensor : manifest.tensors()) {
      if (isData(plan, tensor)) {
        for (ModelManifest.Piece piece : tensor.pieces()) {
          long shared =
              Math.min(to, piece.firstRow() + piece.rows()) - Math.max(from, piece.firstRow());
          if (shared > 0) {
            holders
                .getOrDefault(piece.shard(), Set.of())
                .forEach(id -> rows.merge(id, shared, Long::sum));
          }
        }
      }
    }
    return rows;
  }
}
