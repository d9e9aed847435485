package io.sluice.load;

import io.sluice.cache.CacheTier;
import io.sluice.cache.ChunkKey;
import io.sluice.memory.HeldShards;
import io.sluice.memory.HeldView;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;

/**
 * Gives caches, behind the back of loads, the chunks that they did not have.
 *
 * <p>What waits are keys, never bytes: a chunk is given from the memory where it is held, which is
 * kept from being freed only while that chunk is on its way. What is held no more when its turn
 * comes, and what comes while too much is waiting, is let go.
 */
public final class TierFiller implements AutoCloseable {
  private static final int THREADS = 2;

  private final HeldShards held;
  private final Map<CacheTier, BlockingQueue<ChunkKey>> queues = new HashMap<>();
  private final List<Thread> threads = new ArrayList<>();

  /**
   * @param tiers those of them that can be filled will be
   * @param capacity chunks that wait for one tier, at least 1
   */
  public TierFiller(List<CacheTier> tiers, HeldShards held, int capacity) {
    this.held = held;
    for (CacheTier tier : tiers) {
      if (tier.fillable()) {
        BlockingQueue<ChunkKey> queue = new ArrayBlockingQueue<>(capacity);
        queues.put(tier, queue);
        for (int i = 0; i < THREADS; i++) {
          threads.add(
              Thread.ofVirtual().name("sluice-fill-" + tier.name()).start(() -> fill(tier, queue)));
        }
      }
    }
  }

  /**
   * Offers a chunk that is held now.
   *
   * @param from the tier that had it; empty for the store
   */
  void offer(ChunkKey key, Optional<CacheTier> from) {
    queues.forEach(
        (tier, queue) -> {
          if (wants(tier, from) && !queue.offer(key)) {
            tier.dropped(key);
          }
        });
  }

  /** A shared cache is filled by whoever asked the store; a local one from shared ones too. */
  private static boolean wants(CacheTier tier, Optional<CacheTier> from) {
    return from.isEmpty() || (from.get().shared() && !tier.shared());
  }

  private void fill(CacheTier tier, BlockingQueue<ChunkKey> queue) {
    try {
      while (true) {
        ChunkKey key = queue.take();
        Optional<HeldView> view = held.open(key.shard(), key.range());
        if (view.isEmpty()) {
          tier.dropped(key);
          continue;
        }
        try (HeldView bytes = view.get()) {
          tier.put(key, bytes.segment());
        }
      }
    } catch (InterruptedException e) {
      // Closed: what still waits is let go.
      queue.clear();
    }
  }

  /** Lets go of what waits, and waits for what is on its way. */
  @Override
  public void close() {
    threads.forEach(Thread::interrupt);
    try {
      for (Thread thread : threads) {
        thread.join();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
