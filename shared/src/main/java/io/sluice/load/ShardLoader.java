package io.sluice.load;

import io.sluice.cache.CacheMetrics;
import io.sluice.memory.HeldShards;
import io.sluice.memory.HeldView;
import io.sluice.memory.Slab;
import io.sluice.memory.SlabPool;
import io.sluice.model.ByteRange;
import io.sluice.model.Digest;
import io.sluice.model.ShardDescriptor;
import io.sluice.placement.ChunkRuns;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongConsumer;

/**
 * Loads shards into the memory of this worker. One load of a shard runs at a time; whoever comes
 * second finds it in memory.
 */
public final class ShardLoader {
  private static final String MEMORY = "memory";

  private final ShardSource source;
  private final SlabPool pool;
  private final HeldShards held;
  private final CacheMetrics metrics;
  private final Map<Digest, ReentrantLock> loading = new ConcurrentHashMap<>();

  /** Loads from the store alone. */
  public ShardLoader(ChunkReader chunks, SlabPool pool, HeldShards held) {
    this(ShardSource.of(chunks), pool, held, CacheMetrics.NONE);
  }

  /**
   * @param source where bytes come from that are not held yet
   * @param metrics told what was held already
   */
  public ShardLoader(ShardSource source, SlabPool pool, HeldShards held, CacheMetrics metrics) {
    this.source = source;
    this.pool = pool;
    this.held = held;
    this.metrics = metrics;
  }

  /**
   * What a load gave.
   *
   * @param bytes lᵢ, the bytes of the shard that are in memory now for the owner
   * @param sources where they came from: {@code memory} if they were held already, the name of a
   *     cache, or {@code store}, with bytes each
   * @param seconds how long it took
   */
  public record Loaded(long bytes, SortedMap<String, Long> sources, double seconds) {
    public Loaded {
      sources = Collections.unmodifiableSortedMap(new TreeMap<>(sources));
    }

    /** Where most of the bytes came from. */
    public String source() {
      return sources.entrySet().stream()
          .max(Map.Entry.comparingByValue())
          .map(Map.Entry::getKey)
          .orElse(MEMORY);
    }

    /** Bytes that were not held before. */
    public long fetched() {
      return sources.entrySet().stream()
          .filter(e -> !e.getKey().equals(MEMORY))
          .mapToLong(Map.Entry::getValue)
          .sum();
    }
  }

  /**
   * Makes runs of a shard held for an owner.
   *
   * @param owner version of the model, whose release will free them
   * @param runs whole chunks, see {@link ChunkRuns}
   * @param progress told the bytes of each verified chunk
   * @throws io.sluice.memory.MemoryException if the budget has no room
   * @throws LoadException CORRUPT if the stored shard is not what was stored
   */
  public Loaded load(
      Digest owner, ShardDescriptor shard, List<ByteRange> runs, LongConsumer progress)
      throws InterruptedException {
    long start = System.nanoTime();
    long bytes = ChunkRuns.bytes(runs);
    ReentrantLock lock = loading.computeIfAbsent(shard.digest(), d -> new ReentrantLock());
    lock.lockInterruptibly();
    try {
      SortedMap<String, Long> sources = new TreeMap<>();
      while (!held.claim(owner, shard.digest(), runs)) {
        fetch(owner, shard, held.missing(shard.digest(), runs), progress)
            .forEach((name, count) -> sources.merge(name, count, Long::sum));
      }
      long fetched = sources.values().stream().mapToLong(Long::longValue).sum();
      long known = Math.max(0, bytes - fetched);
      progress.accept(known);
      if (known > 0) {
        sources.put(MEMORY, known);
        metrics.looked(MEMORY, CacheMetrics.Lookup.HIT, known, 0);
      }
      if (fetched > 0) {
        metrics.looked(MEMORY, CacheMetrics.Lookup.MISS, fetched, 0);
      }
      return new Loaded(bytes, sources, (System.nanoTime() - start) / 1e9);
    } finally {
      lock.unlock();
      if (!lock.hasQueuedThreads()) {
        loading.remove(shard.digest(), lock);
      }
    }
  }

  /**
   * Opens runs of a shard for reading, loading what is not held; what was loaded for this alone is
   * freed when the result is closed.
   */
  public OpenShard open(ShardDescriptor shard, List<ByteRange> runs, LongConsumer progress)
      throws InterruptedException {
    Digest borrower = Borrowers.next();
    Loaded loaded = load(borrower, shard, runs, progress);
    List<OpenRun> open = new ArrayList<>();
    try {
      for (ByteRange run : runs) {
        HeldView view =
            held.open(shard.digest(), run)
                .orElseThrow(
                    () ->
                        new IllegalStateException(
                            "bytes " + run + " were loaded but are not held"));
        open.add(new OpenRun(run, view));
      }
      return new OpenShard(open, loaded, () -> held.release(borrower, shard.digest()));
    } catch (RuntimeException e) {
      open.forEach(r -> r.view().close());
      held.release(borrower, shard.digest());
      throw e;
    }
  }

  /**
   * Reads runs into slabs of their own; bytes of them that are held already, in shorter runs, are
   * copied from there.
   *
   * @return bytes that were read, by where they came from
   */
  private Map<String, Long> fetch(
      Digest owner, ShardDescriptor shard, List<ByteRange> missing, LongConsumer progress)
      throws InterruptedException {
    List<Slab> slabs = new ArrayList<>();
    ShardSource.Reading reading = null;
    try {
      List<ByteRange> unread = new ArrayList<>();
      List<MemorySegment> targets = new ArrayList<>();
      for (ByteRange run : missing) {
        Slab slab = pool.allocate(run.length());
        slabs.add(slab);
        for (ByteRange gap : copyHeld(shard, run, slab.segment())) {
          unread.add(gap);
          targets.add(slab.segment().asSlice(gap.offset() - run.offset(), gap.length()));
        }
      }
      reading = source.read(shard, unread, targets, progress);
      for (int i = 0; i < missing.size(); i++) {
        if (held.put(owner, shard.digest(), missing.get(i), slabs.get(i))) {
          slabs.set(i, null);
        }
      }
      return reading.bytesBySource();
    } finally {
      for (Slab slab : slabs) {
        if (slab != null) {
          slab.close();
        }
      }
      if (reading != null) {
        reading.held().run();
      }
    }
  }

  /** Copies what is held of a run to its place, and returns what is not. */
  private List<ByteRange> copyHeld(ShardDescriptor shard, ByteRange run, MemorySegment target) {
    List<ByteRange> rest = new ArrayList<>();
    long at = run.offset();
    for (ByteRange part : held.coverage(shard.digest()).runs()) {
      if (!run.contains(part)) {
        continue;
      }
      Optional<HeldView> view = held.open(shard.digest(), part);
      if (view.isEmpty()) {
        continue; // let go in this moment
      }
      try (HeldView bytes = view.get()) {
        MemorySegment.copy(bytes.segment(), 0, target, part.offset() - run.offset(), part.length());
      }
      if (part.offset() > at) {
        rest.add(ByteRange.between(at, part.offset()));
      }
      at = part.end();
    }
    if (at < run.end()) {
      rest.add(ByteRange.between(at, run.end()));
    }
    return rest;
  }

  /** A run that is open. */
  record OpenRun(ByteRange range, HeldView view) {}
}
