package io.sluice.compute.embed;

import io.sluice.model.Digest;
import io.sluice.model.SluiceException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;

/**
 * The parts of encoders that are prepared in this process, up to a budget of heap memory; those
 * that were not used for longest go first, and those whose shards are freed go with them.
 */
final class PreparedParts {
  /**
   * Which part of what.
   *
   * @param version of the model
   * @param heads of attention, by which queries are scaled
   */
  record Key(Digest version, int part, int heads) {}

  private static final class Entry {
    final FutureTask<PartWeights> weights;
    final long bytes;
    final Set<Digest> shards;

    /** Its shards were held or borrowed while it was made; what happens to them counts now. */
    boolean ready;

    Entry(Callable<PartWeights> make, long bytes, Set<Digest> shards) {
      this.weights = new FutureTask<>(make);
      this.bytes = bytes;
      this.shards = shards;
    }
  }

  private final long budget;
  private final Map<Key, Entry> entries = new LinkedHashMap<>(16, 0.75f, true);
  private long used;

  /**
   * @param budget bytes of heap memory
   */
  PreparedParts(long budget) {
    this.budget = budget;
  }

  /**
   * The weights of a part; whoever asks first prepares them, others wait.
   *
   * @param bytes that they take
   * @param shards they come from
   * @throws EmbedException CAPACITY if they exceed the budget
   */
  PartWeights get(Key key, long bytes, Set<Digest> shards, Callable<PartWeights> make)
      throws InterruptedException {
    if (bytes > budget) {
      throw EmbedException.tooLarge(
          "part "
              + key.part()
              + " of the encoder takes "
              + bytes
              + " bytes when it is prepared, the budget (sluice.embed.memory, at most half of the"
              + " heap) is "
              + budget);
    }
    Entry entry;
    boolean mine = false;
    synchronized (this) {
      entry = entries.get(key);
      if (entry == null) {
        makeRoom(bytes);
        entry = new Entry(make, bytes, Set.copyOf(shards));
        entries.put(key, entry);
        used += bytes;
        mine = true;
      }
    }
    if (mine) {
      entry.weights.run();
    }
    try {
      PartWeights weights = entry.weights.get();
      synchronized (this) {
        entry.ready = true;
      }
      return weights;
    } catch (ExecutionException e) {
      synchronized (this) {
        if (entries.remove(key, entry)) {
          used -= entry.bytes;
        }
      }
      if (e.getCause() instanceof SluiceException failure) {
        throw failure;
      }
      throw new IllegalStateException("a part could not be prepared", e.getCause());
    }
  }

  private void makeRoom(long bytes) {
    Iterator<Entry> oldest = entries.values().iterator();
    while (used + bytes > budget && oldest.hasNext()) {
      used -= oldest.next().bytes;
      oldest.remove();
    }
  }

  /** Forgets what was made of a shard. */
  synchronized void drop(Digest shard) {
    List<Key> gone = new ArrayList<>();
    entries.forEach(
        (key, entry) -> {
          if (entry.ready && entry.shards.contains(shard)) {
            gone.add(key);
          }
        });
    for (Key key : gone) {
      used -= entries.remove(key).bytes;
    }
  }

  /** Bytes of what is prepared. */
  synchronized long used() {
    return used;
  }

  /** Number of prepared parts. */
  synchronized int count() {
    return entries.size();
  }
}
