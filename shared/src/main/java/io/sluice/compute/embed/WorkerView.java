package io.sluice.compute.embed;

import io.sluice.job.Worker;
import io.sluice.job.WorkerRegistry;
import io.sluice.model.Digest;
import java.time.Duration;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What the registry said a moment ago: a call of a few milliseconds cannot ask it anew each time.
 */
final class WorkerView {
  private static final long FRESH = Duration.ofSeconds(1).toNanos();
  private static final int KEPT = 64;

  private record Holders(long at, Map<Digest, Map<String, String>> map) {}

  private final WorkerRegistry registry;
  private final Map<Digest, Holders> holders =
      new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<Digest, Holders> eldest) {
          return size() > KEPT;
        }
      };
  private List<Worker> live = List.of();
  private long liveAt;

  WorkerView(WorkerRegistry registry) {
    this.registry = registry;
  }

  /** The workers that are alive, by id. */
  synchronized List<Worker> live() {
    long now = System.nanoTime();
    if (live.isEmpty() || now - liveAt > FRESH) {
      live = registry.live();
      liveAt = now;
    }
    return live;
  }

  /** A live worker of that id. */
  Optional<Worker> worker(String id) {
    Optional<Worker> known = live().stream().filter(w -> w.id().equals(id)).findFirst();
    if (known.isPresent()) {
      return known;
    }
    forget();
    return live().stream().filter(w -> w.id().equals(id)).findFirst();
  }

  /** Who holds what of the shards of a version. */
  synchronized Map<Digest, Map<String, String>> holders(Digest version, Set<Digest> shards) {
    long now = System.nanoTime();
    Holders known = holders.get(version);
    if (known == null || now - known.at() > FRESH) {
      known = new Holders(now, registry.holders(new HashSet<>(shards)));
      holders.put(version, known);
    }
    return known.map();
  }

  /** Something was not as it said. */
  synchronized void forget() {
    live = List.of();
    holders.clear();
  }
}
