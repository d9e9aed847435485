package io.sluice.load;

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
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongConsumer;

/**
 * Loads shards into the memory of this worker. One load of a shard runs at a time; whoever comes
 * second finds it in memory.
 */
public final class ShardLoader {
  private final ChunkReader chunks;
  private final SlabPool pool;
  private final HeldShards held;
  private final Map<Digest, ReentrantLock> loading = new ConcurrentHashMap<>();

  public ShardLoader(ChunkReader chunks, SlabPool pool, HeldShards held) {
    this.chunks = chunks;
    this.pool = pool;
    this.held = held;
  }

  /**
   * What a load gave.
   *
   * @param bytes lᵢ, the bytes of the shard that are in memory now for the owner
   * @param fetched bytes of them that were read from the store
   * @param seconds how long it took
   */
  public record Loaded(long bytes, long fetched, double seconds) {
    /** Where the bytes came from. */
    public String source() {
      return fetched == 0 ? "memory" : "store";
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
      long fetched = 0;
      while (!held.claim(owner, shard.digest(), runs)) {
        fetched += fetch(owner, shard, held.missing(shard.digest(), runs), progress);
      }
      progress.accept(Math.max(0, bytes - fetched));
      return new Loaded(bytes, fetched, (System.nanoTime() - start) / 1e9);
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
   * @return bytes that were read from the store
   */
  private long fetch(
      Digest owner, ShardDescriptor shard, List<ByteRange> missing, LongConsumer progress)
      throws InterruptedException {
    List<Slab> slabs = new ArrayList<>();
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
      chunks.read(shard, unread, targets, progress);
      for (int i = 0; i < missing.size(); i++) {
        if (held.put(owner, shard.digest(), missing.get(i), slabs.get(i))) {
          slabs.set(i, null);
        }
      }
      return ChunkRuns.bytes(unread);
    } finally {
      for (Slab slab : slabs) {
        if (slab != null) {
          slab.close();
        }
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
