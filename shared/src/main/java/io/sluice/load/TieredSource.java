package io.sluice.load;

import io.sluice.cache.CacheTier;
import io.sluice.cache.ChunkKey;
import io.sluice.model.ByteRange;
import io.sluice.model.ChunkChecksums;
import io.sluice.model.ShardDescriptor;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongConsumer;

/**
 * Caches in front of the store: each chunk is looked for in one tier after the other, and what none
 * has is read from the store and offered to them afterwards.
 *
 * <p>With peers, a worker that finds a shard nowhere claims it before it asks the store; others
 * that want the same bytes wait for it and have them from it. Waiting is bounded, and a claim ends
 * with its worker: nobody depends on anybody else to get a shard.
 */
public final class TieredSource implements ShardSource {
  private static final Duration MIN_PAUSE = Duration.ofMillis(20);
  private static final Duration MAX_PAUSE = Duration.ofMillis(200);

  /** How often holders may not give what they hold before the store is asked. */
  private static final int MAX_IN_VAIN = 3;

  private final ShardSource store;
  private final List<CacheTier> tiers;
  private final Optional<PeerSharing> peers;
  private final TierFiller filler;
  private final Semaphore window;

  /** A chunk that is wanted, where its bytes belong, and the run that it is of. */
  private record Piece(ChunkKey key, MemorySegment target, int run) {}

  /** Where a chunk came from; empty for the store. */
  private record Found(ChunkKey key, Optional<CacheTier> from) {}

  /**
   * @param tiers in the order in which they are asked, that of the peers included
   * @param peers how shards are shared with other workers, if they are
   * @param parallelism chunks that are looked for at once, by all loads of this process
   */
  public TieredSource(
      ShardSource store,
      List<CacheTier> tiers,
      Optional<PeerSharing> peers,
      TierFiller filler,
      int parallelism) {
    this.store = store;
    this.tiers = List.copyOf(tiers);
    this.peers = peers;
    this.filler = filler;
    this.window = new Semaphore(parallelism, true);
  }

  @Override
  public Reading read(
      ShardDescriptor shard,
      List<ByteRange> runs,
      List<MemorySegment> targets,
      LongConsumer progress)
      throws InterruptedException {
    if (runs.isEmpty()) {
      return new Reading(Map.of(), () -> {});
    }
    Map<String, Long> sources = new HashMap<>();
    List<Found> found = new ArrayList<>();
    Optional<PeerSharing.Turn> turn = peers.flatMap(p -> p.turn(shard.digest(), runs));
    boolean read = false;
    try {
      List<Piece> left = pieces(shard, runs, targets);
      left = look(shard, left, turn, found, progress);
      found.forEach(f -> count(sources, f.from().orElseThrow().name(), f.key().length()));
      if (!left.isEmpty()) {
        readFromStore(shard, runs, targets, left, sources, progress);
        left.forEach(piece -> found.add(new Found(piece.key(), Optional.empty())));
      }
      read = true;
    } finally {
      if (!read) {
        turn.ifPresent(PeerSharing.Turn::close);
      }
    }
    return new Reading(
        sources,
        () -> {
          turn.ifPresent(PeerSharing.Turn::held);
          found.forEach(f -> filler.offer(f.key(), f.from()));
        });
  }

  /** Looks for chunks in the tiers until the store has to be asked for the rest. */
  private List<Piece> look(
      ShardDescriptor shard,
      List<Piece> wanted,
      Optional<PeerSharing.Turn> turn,
      List<Found> found,
      LongConsumer progress)
      throws InterruptedException {
    if (turn.isEmpty()) {
      return fromTiers(shard, wanted, tiers, found, progress);
    }
    List<CacheTier> asked = tiers;
    List<Piece> left = wanted;
    Duration pause = MIN_PAUSE;
    int inVain = 0;
    while (true) {
      PeerSharing.Next next = turn.get().ask();
      left = fromTiers(shard, left, asked, found, progress);
      if (left.isEmpty() || next == PeerSharing.Next.READ) {
        return left;
      }
      // The other caches have been asked; what may come now comes from the one who reads.
      asked = List.of(turn.get().tier());
      if (next == PeerSharing.Next.WAIT) {
        Thread.sleep(ThreadLocalRandom.current().nextLong(pause.toMillis()) + 1);
        pause = pause.multipliedBy(2).compareTo(MAX_PAUSE) < 0 ? pause.multipliedBy(2) : MAX_PAUSE;
      } else {
        turn.get().failed();
        if (++inVain == MAX_IN_VAIN) {
          return left;
        }
      }
    }
  }

  private List<Piece> fromTiers(
      ShardDescriptor shard,
      List<Piece> wanted,
      List<CacheTier> asked,
      List<Found> found,
      LongConsumer progress)
      throws InterruptedException {
    List<CacheTier> worthAsking =
        asked.stream().filter(tier -> tier.mayHave(shard.digest())).toList();
    if (worthAsking.isEmpty()) {
      return wanted;
    }
    CacheTier[] tierOf = new CacheTier[wanted.size()];
    AtomicReference<RuntimeException> defect = new AtomicReference<>();
    List<Thread> threads = new ArrayList<>();
    try {
      for (int i = 0; i < wanted.size() && defect.get() == null; i++) {
        int index = i;
        window.acquire();
        threads.add(
            Thread.ofVirtual()
                .name("sluice-tier")
                .start(
                    () -> {
                      try {
                        tierOf[index] = find(wanted.get(index), worthAsking, progress);
                      } catch (RuntimeException e) {
                        defect.compareAndSet(null, e);
                      } finally {
                        window.release();
                      }
                    }));
      }
      for (Thread thread : threads) {
        thread.join();
      }
    } finally {
      joinAll(threads);
    }
    if (defect.get() != null) {
      throw defect.get();
    }
    List<Piece> left = new ArrayList<>();
    for (int i = 0; i < tierOf.length; i++) {
      if (tierOf[i] == null) {
        left.add(wanted.get(i));
      } else {
        found.add(new Found(wanted.get(i).key(), Optional.of(tierOf[i])));
      }
    }
    return left;
  }

  /** The tier that gave the chunk, or null. */
  private static CacheTier find(Piece piece, List<CacheTier> tiers, LongConsumer progress) {
    for (CacheTier tier : tiers) {
      if (Thread.currentThread().isInterrupted()) {
        return null;
      }
      if (tier.mayHave(piece.key().shard()) && tier.get(piece.key(), piece.target())) {
        progress.accept(piece.key().length());
        return tier;
      }
    }
    return null;
  }

  /** Reads what is left in as few runs as there are. */
  private void readFromStore(
      ShardDescriptor shard,
      List<ByteRange> runs,
      List<MemorySegment> targets,
      List<Piece> left,
      Map<String, Long> sources,
      LongConsumer progress)
      throws InterruptedException {
    List<ByteRange> leftRuns = new ArrayList<>();
    List<MemorySegment> leftTargets = new ArrayList<>();
    for (int i = 0; i < left.size(); ) {
      Piece first = left.get(i);
      long begin = first.key().range().offset();
      long end = first.key().range().end();
      for (i++; i < left.size() && follows(first, end, left.get(i)); i++) {
        end = left.get(i).key().range().end();
      }
      leftRuns.add(ByteRange.between(begin, end));
      leftTargets.add(
          targets.get(first.run()).asSlice(begin - runs.get(first.run()).offset(), end - begin));
    }
    store
        .read(shard, leftRuns, leftTargets, progress)
        .bytesBySource()
        .forEach((name, bytes) -> count(sources, name, bytes));
  }

  private static boolean follows(Piece first, long end, Piece next) {
    return next.run() == first.run() && next.key().range().offset() == end;
  }

  private static void count(Map<String, Long> sources, String name, long bytes) {
    sources.merge(name, bytes, Long::sum);
  }

  private static List<Piece> pieces(
      ShardDescriptor shard, List<ByteRange> runs, List<MemorySegment> targets) {
    ChunkChecksums chunks = shard.checksums();
    List<Piece> pieces = new ArrayList<>();
    for (int run = 0; run < runs.size(); run++) {
      for (long at = runs.get(run).offset(); at < runs.get(run).end(); ) {
        ChunkKey key = ChunkKey.of(shard, chunks.indexOf(at));
        pieces.add(
            new Piece(
                key, targets.get(run).asSlice(at - runs.get(run).offset(), key.length()), run));
        at = key.range().end();
      }
    }
    return pieces;
  }

  /** Ends all threads, and waits for them even if this one is interrupted: they write to memory. */
  private static void joinAll(List<Thread> threads) {
    boolean interrupted = false;
    for (Thread thread : threads) {
      thread.interrupt();
    }
    for (Thread thread : threads) {
      while (true) {
        try {
          thread.join();
          break;
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
