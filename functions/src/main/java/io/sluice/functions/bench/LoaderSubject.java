package io.sluice.functions.bench;

import io.micrometer.core.instrument.MeterRegistry;
import io.sluice.functions.config.SluiceConfig;
import io.sluice.load.ShardLoader;
import io.sluice.measure.ProcessMeter;
import io.sluice.measure.Subject;
import io.sluice.measure.TransferSpec;
import io.sluice.memory.HeldShards;
import io.sluice.memory.SlabPool;
import io.sluice.model.Digest;
import io.sluice.model.ShardDescriptor;
import io.sluice.placement.ChunkRuns;
import jakarta.enterprise.context.Dependent;
import jakarta.enterprise.inject.Instance;
import jakarta.inject.Inject;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The product's loader as a worker runs it: every shard by {@link ShardLoader} into held memory, as
 * many at once as a worker executes tasks, every chunk verified.
 */
@Dependent
public class LoaderSubject {
  private static final Digest OWNER = Digest.sha256(new byte[] {'b'});
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  @Inject SluiceConfig config;
  @Inject Instance<ShardLoader> loader;
  @Inject Instance<HeldShards> held;
  @Inject Instance<SlabPool> pool;
  @Inject MeterRegistry meters;

  /** What becomes of what a round has loaded. */
  public enum Keep {
    /** It is freed when the round ends. */
    NOTHING,
    /** It is freed when the next round begins, so that caches have the time between to fill. */
    UNTIL_NEXT,
    /** It stays: the next round finds it. */
    EVERYTHING
  }

  /** The loader on a worker that keeps so much from one round to the next. */
  public Subject of(TransferSpec spec, Keep keep) {
    return () -> {
      if (keep == Keep.UNTIL_NEXT) {
        release();
      }
      try {
        return ProcessMeter.measure(() -> load(spec));
      } finally {
        if (keep == Keep.NOTHING) {
          release();
        }
      }
    };
  }

  /** Frees what is held, also what a cache is being filled from: a round begins with all memory. */
  private void release() throws InterruptedException {
    held.get().release(OWNER);
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (pool.get().usedBytes() > 0) {
      if (System.nanoTime() > deadline) {
        throw new IllegalStateException(
            pool.get().usedBytes()
                + " bytes that are held no more are still used after "
                + PATIENCE);
      }
      Thread.sleep(1);
    }
  }

  private ProcessMeter.Transferred load(TransferSpec spec) throws Exception {
    StoreCounts before = StoreCounts.of(meters, "read");
    AtomicInteger next = new AtomicInteger();
    List<ShardDescriptor> shards = spec.shards();
    Callable<Void> task =
        () -> {
          for (int i = next.getAndIncrement(); i < shards.size(); i = next.getAndIncrement()) {
            ShardDescriptor shard = shards.get(i);
            loader.get().load(OWNER, shard, ChunkRuns.whole(shard.checksums()), bytes -> {});
          }
          return null;
        };
    List<Callable<Void>> tasks = new ArrayList<>();
    for (int i = 0; i < config.job().parallelism(); i++) {
      tasks.add(task);
    }
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (Future<Void> done : threads.invokeAll(tasks)) {
        done.get();
      }
    }
    StoreCounts asked = StoreCounts.of(meters, "read").since(before);
    return new ProcessMeter.Transferred(
        spec.bytes(), asked.requests(), asked.failed(), asked.bytes());
  }
}
