package io.sluice.functions.bench;

import io.sluice.measure.GeneratedBytes;
import io.sluice.measure.ProcessMeter;
import io.sluice.measure.ProcessMeter.Transferred;
import io.sluice.measure.Round;
import io.sluice.memory.Slab;
import io.sluice.memory.SlabPool;
import io.sluice.model.ByteRange;
import io.sluice.storage.ShardStore;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A store by itself, without loader and caches: writes and reads of large objects, and how long a
 * small write takes. All of it lies below a prefix of its own and is deleted in the end.
 */
public final class StoreSubject implements AutoCloseable {
  /** Small writes of a round. */
  public static final int PUTS = 30;

  private static final int SMALL = 4096;

  /** Objects that are written at once: as many as a worker uploads. */
  private static final int WRITES = 4;

  private final ShardStore store;
  private final Sizes sizes;
  private final String prefix = "bench-" + UUID.randomUUID() + "/";
  private final SlabPool pool;
  private final MemorySegment object;
  private final List<MemorySegment> targets = new ArrayList<>();
  private final List<Slab> slabs = new ArrayList<>();

  /**
   * What is written and read.
   *
   * @param objects number of objects
   * @param objectBytes bytes of each
   * @param requestBytes bytes that one read asks for
   * @param reads reads at once
   */
  public record Sizes(int objects, long objectBytes, long requestBytes, int reads) {
    /** Bytes of all objects. */
    public long bytes() {
      return objects * objectBytes;
    }
  }

  public StoreSubject(ShardStore store, Sizes sizes) {
    this.store = store;
    this.sizes = sizes;
    this.pool =
        new SlabPool(
            SlabPool.footprint(sizes.objectBytes())
                + sizes.reads() * SlabPool.footprint(sizes.requestBytes()));
    this.object = memory(sizes.objectBytes());
    GeneratedBytes.fill(0, 0, object);
    for (int i = 0; i < sizes.reads(); i++) {
      targets.add(memory(sizes.requestBytes()));
    }
  }

  private MemorySegment memory(long bytes) {
    Slab slab = pool.allocate(bytes);
    slabs.add(slab);
    return slab.segment();
  }

  /** Writes all objects anew. */
  public Round write() throws Exception {
    deleteAll();
    return ProcessMeter.measure(
        () -> {
          each(WRITES, sizes.objects(), (thread, number) -> store.putIfAbsent(key(number), object));
          return new Transferred(sizes.bytes(), sizes.objects(), 0, sizes.bytes());
        });
  }

  /** Reads all objects that {@link #write} has written. */
  public Round read() throws Exception {
    int perObject = Math.toIntExact(Math.ceilDiv(sizes.objectBytes(), sizes.requestBytes()));
    int requests = sizes.objects() * perObject;
    return ProcessMeter.measure(
        () -> {
          each(
              sizes.reads(),
              requests,
              (thread, number) -> {
                long at = number % perObject * sizes.requestBytes();
                long length = Math.min(sizes.requestBytes(), sizes.objectBytes() - at);
                store.read(
                    key(number / perObject),
                    Optional.empty(),
                    new ByteRange(at, length),
                    targets.get(thread));
              });
          return new Transferred(sizes.bytes(), requests, 0, sizes.bytes());
        });
  }

  /** Writes {@value #PUTS} small objects, one after another. */
  public Round put() throws Exception {
    MemorySegment small = object.asSlice(0, Math.min(SMALL, object.byteSize()));
    Round round =
        ProcessMeter.measure(
            () -> {
              for (int i = 0; i < PUTS; i++) {
                store.putIfAbsent(prefix + "small/" + i, small);
              }
              return new Transferred(PUTS * small.byteSize(), PUTS, 0, PUTS * small.byteSize());
            });
    for (int i = 0; i < PUTS; i++) {
      store.delete(prefix + "small/" + i);
    }
    return round;
  }

  private String key(int number) {
    return prefix + "large/" + number;
  }

  private void deleteAll() {
    for (int i = 0; i < sizes.objects(); i++) {
      store.delete(key(i));
    }
  }

  /** One step of a round. */
  private interface Step {
    void run(int thread, int number);
  }

  private static void each(int width, int count, Step step) throws Exception {
    AtomicInteger next = new AtomicInteger();
    List<Callable<Void>> tasks = new ArrayList<>();
    for (int i = 0; i < Math.min(width, count); i++) {
      int thread = i;
      tasks.add(
          () -> {
            for (int n = next.getAndIncrement(); n < count; n = next.getAndIncrement()) {
              step.run(thread, n);
            }
            return null;
          });
    }
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (Future<Void> done : threads.invokeAll(tasks)) {
        done.get();
      }
    }
  }

  /** Deletes what was written. */
  @Override
  public void close() {
    try {
      deleteAll();
    } finally {
      slabs.forEach(Slab::close);
      pool.close();
    }
  }
}
