package io.sluice.compute.embed;

import io.sluice.job.Worker;
import io.sluice.memory.Coverage;
import io.sluice.model.ByteRange;
import io.sluice.model.Digest;
import io.sluice.placement.ChunkRuns;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Which worker executes which parts of an encoder: for each part one that holds most of its bytes,
 * and of several such the one before, so that micro-batches seldom travel. Parts that nobody holds
 * go to all workers in equal runs.
 */
final class StageRouter {
  private final WorkerView view;

  StageRouter(WorkerView view) {
    this.view = view;
  }

  /**
   * The way of a micro-batch.
   *
   * @param excluded ids of workers that failed it
   * @param batch its number: spreads micro-batches over workers that hold the same
   * @throws EmbedException TRANSIENT if there is no worker
   */
  List<StageRequest.Hop> route(EncoderModel model, Set<String> excluded, int batch) {
    List<String> workers =
        view.live().stream().map(Worker::id).filter(id -> !excluded.contains(id)).sorted().toList();
    if (workers.isEmpty()) {
      throw EmbedException.noWorker(
          "there is no live worker for model '"
              + model.name()
              + "'"
              + (excluded.isEmpty() ? "" : " besides those that failed: " + excluded));
    }
    int parts = model.layout().layers() + 1;
    Set<Digest> shards = new HashSet<>();
    model.manifest().shards().forEach(shard -> shards.add(shard.digest()));
    Map<Digest, Map<String, String>> holders = view.holders(model.version(), shards);
    List<StageRequest.Hop> hops = new ArrayList<>();
    String last = null;
    for (int part = 0; part < parts; part++) {
      List<String> best = best(model, part, workers, holders);
      String chosen;
      if (best.isEmpty()) {
        chosen = workers.get(part * workers.size() / parts);
      } else if (last != null && best.contains(last)) {
        chosen = last;
      } else {
        chosen = best.get(Math.floorMod(batch, best.size()));
      }
      if (chosen.equals(last)) {
        hops.removeLast();
      }
      hops.add(new StageRequest.Hop(chosen, part + 1));
      last = chosen;
    }
    return hops;
  }

  /** The workers that hold most of a part's bytes, all equally many; none if nobody holds any. */
  private static List<String> best(
      EncoderModel model,
      int part,
      List<String> workers,
      Map<Digest, Map<String, String>> holders) {
    Map<String, Long> held = new HashMap<>();
    for (Map.Entry<Integer, List<ByteRange>> runs : model.layout().runs(part).entrySet()) {
      Digest shard = model.manifest().shards().get(runs.getKey()).digest();
      holders
          .getOrDefault(shard, Map.of())
          .forEach(
              (worker, coverage) -> {
                if (Coverage.parse(coverage).containsAll(runs.getValue())) {
                  held.merge(worker, ChunkRuns.bytes(runs.getValue()), Long::sum);
                }
              });
    }
    long most = workers.stream().mapToLong(id -> held.getOrDefault(id, 0L)).max().orElse(0);
    return most == 0
        ? List.of()
        : workers.stream().filter(id -> held.getOrDefault(id, 0L) == most).toList();
  }
}
