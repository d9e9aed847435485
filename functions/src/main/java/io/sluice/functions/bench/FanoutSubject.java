package io.sluice.functions.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.functions.config.SluiceConfig;
import io.sluice.load.ChunkReader;
import io.sluice.load.ShardLoader;
import io.sluice.measure.ProcessMeter;
import io.sluice.measure.Subject;
import io.sluice.measure.TransferSpec;
import io.sluice.memory.HeldShards;
import io.sluice.memory.SlabPool;
import io.sluice.model.Digest;
import io.sluice.model.ShardDescriptor;
import io.sluice.placement.ChunkRuns;
import io.sluice.storage.Bandwidth;
import io.sluice.storage.ShardStore;
import io.sluice.storage.ThrottledShardReader;
import jakarta.enterprise.context.Dependent;
import jakarta.enterprise.inject.Instance;
import jakarta.inject.Inject;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Workers that load at once, each behind a network of its own. They share this process, since many
 * JVMs on few cores would measure their start: but each has the product's loader with its own
 * window of requests, memory, and bandwidth. A round is of one number of workers; the rounds go
 * through the numbers in turn.
 *
 * <p>Every worker loads the same number of shards, from a place of its own in the model on, and
 * frees each when it is loaded, so that memory is bounded by what is on its way.
 */
@Dependent
public class FanoutSubject {
  /** Shards that a worker loads at once. */
  private static final int AT_ONCE = 2;

  @Inject SluiceConfig config;
  @Inject Instance<ShardStore> store;

  /**
   * The work of a fan-out.
   *
   * @param spec the shards
   * @param workers numbers of workers, in the order of the rounds
   * @param bandwidth bytes a second of each worker
   * @param shardsPerWorker what each loads
   */
  public record Work(
      TransferSpec spec, List<Integer> workers, long bandwidth, int shardsPerWorker) {
    /** Reads what {@link #toJson} wrote. */
    public static Work read(JsonNode json) {
      List<Integer> workers = new ArrayList<>();
      json.get("workers").forEach(n -> workers.add(n.intValue()));
      return new Work(
          TransferSpec.read(json.get("spec")),
          workers,
          json.get("bandwidth").longValue(),
          json.get("shardsPerWorker").intValue());
    }

    public ObjectNode toJson() {
      ObjectNode json = spec.toJson().objectNode();
      json.set("spec", spec.toJson());
      workers.forEach(json.putArray("workers")::add);
      return json.put("bandwidth", bandwidth).put("shardsPerWorker", shardsPerWorker);
    }
  }

  /** A worker that loads through its own network. */
  private final class Worker implements AutoCloseable {
    private final Digest owner;
    private final SlabPool pool;
    private final HeldShards held = new HeldShards();
    private final ShardLoader loader;

    Worker(int index, Work work, long bandwidth) {
      owner = Digest.sha256(new byte[] {(byte) index});
      long largest =
          work.spec().shards().stream()
              .mapToLong(s -> SlabPool.footprint(s.size()))
              .max()
              .orElse(1);
      pool = new SlabPool(AT_ONCE * largest);
      loader =
          new ShardLoader(
              new ChunkReader(
                  new ThrottledShardReader(store.get(), new Bandwidth(bandwidth)),
                  work.spec().connections(),
                  config.load().verifyAttempts()),
              pool,
              held);
    }

    void load(ShardDescriptor shard) throws InterruptedException {
      loader.load(owner, shard, ChunkRuns.whole(shard.checksums()), bytes -> {});
      held.release(owner, shard.digest());
    }

    @Override
    public void close() {
      pool.close();
    }
  }

  /** Loads by so many workers as it is the turn of, after a load at full speed to warm up. */
  public Subject of(Work work) throws InterruptedException {
    try (Worker worker = new Worker(0, work, Long.MAX_VALUE)) {
      for (ShardDescriptor shard : work.spec().shards()) {
        worker.load(shard);
      }
    }
    AtomicInteger turn = new AtomicInteger();
    return () -> {
      int count = work.workers().get(turn.getAndIncrement() % work.workers().size());
      List<Worker> workers = new ArrayList<>();
      try {
        for (int i = 0; i < count; i++) {
          workers.add(new Worker(i, work, work.bandwidth()));
        }
        return ProcessMeter.measure(() -> load(work, workers));
      } finally {
        workers.forEach(Worker::close);
      }
    };
  }

  private static ProcessMeter.Transferred load(Work work, List<Worker> workers) throws Exception {
    List<ShardDescriptor> shards = work.spec().shards();
    List<Callable<Long>> loads = new ArrayList<>();
    for (int w = 0; w < workers.size(); w++) {
      Worker worker = workers.get(w);
      int first = w * shards.size() / workers.size();
      AtomicInteger next = new AtomicInteger();
      for (int i = 0; i < AT_ONCE; i++) {
        loads.add(
            () -> {
              long bytes = 0;
              for (int n = next.getAndIncrement();
                  n < work.shardsPerWorker();
                  n = next.getAndIncrement()) {
                ShardDescriptor shard = shards.get((first + n) % shards.size());
                worker.load(shard);
                bytes += shard.size();
              }
              return bytes;
            });
      }
    }
    long bytes = 0;
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (Future<Long> load : threads.invokeAll(loads)) {
        bytes += load.get();
      }
    }
    return new ProcessMeter.Transferred(bytes, 0, 0, bytes);
  }
}
