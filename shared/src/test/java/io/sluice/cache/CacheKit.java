package io.sluice.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.sluice.model.ByteRange;
import io.sluice.model.ContentHasher;
import io.sluice.model.Digest;
import io.sluice.model.ShardDescriptor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * What every cache has to do, and what it may not do to a load. Caches differ by the capabilities
 * that they declare only; each test runs against the real thing.
 */
public abstract class CacheKit {
  private final Random random = new Random(42);
  private final Counts counts = new Counts();
  private ChunkCache cache;

  /** Outcomes as they are counted. */
  protected static final class Counts implements CacheMetrics {
    private final Map<Lookup, AtomicInteger> lookups = new EnumMap<>(Lookup.class);
    private final Map<Fill, AtomicInteger> fills = new EnumMap<>(Fill.class);

    Counts() {
      for (Lookup lookup : Lookup.values()) {
        lookups.put(lookup, new AtomicInteger());
      }
      for (Fill fill : Fill.values()) {
        fills.put(fill, new AtomicInteger());
      }
    }

    @Override
    public void looked(String tier, Lookup outcome, long bytes, long nanos) {
      lookups.get(outcome).incrementAndGet();
    }

    @Override
    public void filled(String tier, Fill outcome, long bytes) {
      fills.get(outcome).incrementAndGet();
    }

    public int of(Lookup outcome) {
      return lookups.get(outcome).get();
    }

    public int of(Fill outcome) {
      return fills.get(outcome).get();
    }
  }

  /** A chunk with its bytes. */
  protected record Chunk(ChunkKey key, byte[] bytes) {
    public MemorySegment segment() {
      return MemorySegment.ofArray(bytes).asReadOnly();
    }
  }

  /** Bytes that a bounded cache of the tests holds at most, whole MiB. */
  protected int bound() {
    return 16 << 20;
  }

  /** Opens the cache of the test: empty, bounded by {@link #bound} if it can be. */
  protected abstract ChunkCache open();

  /** Makes it so that the cache has the chunk: by itself unless others fill it. */
  protected void give(ChunkCache to, Chunk chunk) {
    assertThat(to.put(chunk.key(), chunk.segment())).isTrue();
  }

  /** Changes one byte of what is stored of the chunk, behind the back of the cache. */
  protected abstract void corrupt(Chunk chunk);

  /** Whether a server is behind it that can be killed. */
  protected boolean hasServer() {
    return true;
  }

  /** Kills the server. */
  protected void kill() {
    throw new UnsupportedOperationException();
  }

  /** Starts the killed server at the same address. */
  protected void restart() {
    throw new UnsupportedOperationException();
  }

  /** Lets the server hang: connections stay open, nothing is answered; false if it cannot be. */
  protected boolean hang() {
    return false;
  }

  /** Ends {@link #hang}. */
  protected void goOn() {
    throw new UnsupportedOperationException();
  }

  /** Whether it holds at most {@link #bound} bytes and forgets others for new ones. */
  protected boolean bounded() {
    return true;
  }

  /** Longest time that asking a server that hangs may take. */
  protected Duration patience() {
    return Duration.ofSeconds(8);
  }

  @BeforeEach
  final void openOne() {
    cache = open();
  }

  @AfterEach
  final void closeIt() {
    cache.close();
  }

  protected final ChunkCache cache() {
    return cache;
  }

  protected final Counts counts() {
    return counts;
  }

  /** A chunk of random bytes, of a shard of its own. */
  protected final Chunk chunk(int length) {
    byte[] bytes = new byte[length];
    random.nextBytes(bytes);
    ContentHasher hasher = new ContentHasher(length, length);
    hasher.update(MemorySegment.ofArray(bytes));
    return new Chunk(ChunkKey.of(hasher.finish(), 0), bytes);
  }

  /** The tier that loads use: with breakers that open after two failures for 50 ms. */
  protected final CacheTier tier() {
    return new CacheTier(cache, counts, breaker(), breaker());
  }

  private static CircuitBreaker breaker() {
    return new CircuitBreaker(2, Duration.ofMillis(50), Duration.ofMillis(50), System::nanoTime);
  }

  private static byte[] get(ChunkCache cache, Chunk chunk) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment target = arena.allocate(chunk.key().length() + 8L);
      return cache.get(chunk.key(), target)
          ? target.asSlice(0, chunk.key().length()).toArray(ValueLayout.JAVA_BYTE)
          : null;
    }
  }

  /** Without the bytes in the message of a failure. */
  private static void assertGiven(ChunkCache cache, Chunk chunk) {
    byte[] got = get(cache, chunk);
    assertThat(got != null).as("the %d bytes are there", chunk.key().length()).isTrue();
    assertThat(Arrays.equals(got, chunk.bytes())).as("they are right").isTrue();
  }

  private static boolean get(CacheTier tier, Chunk chunk) {
    MemorySegment target = MemorySegment.ofArray(new byte[chunk.key().length()]);
    boolean hit = tier.get(chunk.key(), target);
    if (hit) {
      assertThat(target.mismatch(chunk.segment())).isEqualTo(-1);
    }
    return hit;
  }

  @Test
  final void givesWhatItWasGivenAtEverySize() {
    for (int length :
        new int[] {1, 7, 4096, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3 << 20, (8 << 20) - 5}) {
      Chunk chunk = chunk(length);
      assertThat(get(cache, chunk) == null).as("%d bytes before", length).isTrue();
      give(cache, chunk);
      assertGiven(cache, chunk);
    }
  }

  @Test
  final void writesNothingBehindTheChunk() {
    Chunk chunk = chunk(100_001);
    give(cache, chunk);
    MemorySegment target = MemorySegment.ofArray(new byte[100_032]);
    assertThat(cache.get(chunk.key(), target)).isTrue();
    assertThat(target.asSlice(100_001).toArray(ValueLayout.JAVA_BYTE)).containsOnly(0);
  }

  @Test
  final void tellsChunksOfOneShardApart() {
    byte[] bytes = new byte[5 * 1000 + 3];
    random.nextBytes(bytes);
    ContentHasher hasher = new ContentHasher(bytes.length, 1000);
    hasher.update(MemorySegment.ofArray(bytes));
    ShardDescriptor shard = hasher.finish();
    List<Chunk> chunks = new ArrayList<>();
    for (int i = 0; i < shard.checksums().count(); i++) {
      ChunkKey key = ChunkKey.of(shard, i);
      int from = (int) key.range().offset();
      chunks.add(new Chunk(key, Arrays.copyOfRange(bytes, from, from + key.length())));
    }
    chunks.forEach(chunk -> give(cache, chunk));
    chunks.forEach(chunk -> assertGiven(cache, chunk));
    // The same shard cut into larger chunks is something else.
    ChunkKey larger = new ChunkKey(shard.digest(), new ByteRange(0, 2000), 0);
    MemorySegment target = MemorySegment.ofArray(new byte[2000]);
    if (cache.fillable()) {
      assertThat(cache.get(larger, target)).isFalse();
    }
  }

  @Test
  final void forgetsWhatIsRemoved() {
    Chunk chunk = chunk(2_000_000);
    give(cache, chunk);
    cache.remove(chunk.key());
    assertThat(get(cache, chunk)).isNull();
    assertThatCode(() -> cache.remove(chunk.key())).doesNotThrowAnyException();
  }

  @Test
  final void aCorruptChunkIsDroppedAndNotGiven() {
    Chunk chunk = chunk(1_500_000);
    give(cache, chunk);
    CacheTier tier = tier();
    assertThat(get(tier, chunk)).isTrue();
    corrupt(chunk);
    assertThat(get(tier, chunk)).isFalse();
    assertThat(counts.of(CacheMetrics.Lookup.CORRUPT)).isEqualTo(1);
    assertThat(get(tier, chunk)).isFalse();
    assertThat(counts.of(CacheMetrics.Lookup.CORRUPT)).isEqualTo(1);
    assertThat(counts.of(CacheMetrics.Lookup.MISS)).isEqualTo(1);
  }

  @Test
  final void manyReadersAndWritersAtOnce() throws Exception {
    List<Chunk> chunks = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      chunks.add(chunk(300_000 + i));
    }
    List<Callable<Void>> work = new ArrayList<>();
    ConcurrentLinkedQueue<Integer> hits = new ConcurrentLinkedQueue<>();
    for (int i = 0; i < 64; i++) {
      int index = i % chunks.size();
      boolean write = i < 16;
      work.add(
          () -> {
            Chunk chunk = chunks.get(index);
            if (write) {
              give(cache, chunk);
            }
            byte[] got = get(cache, chunk);
            if (got != null) {
              assertThat(Arrays.equals(got, chunk.bytes())).isTrue();
              hits.add(index);
            }
            return null;
          });
    }
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (Future<Void> done : threads.invokeAll(work)) {
        done.get();
      }
    }
    assertThat(hits).hasSizeGreaterThanOrEqualTo(16);
    chunks.forEach(chunk -> assertGiven(cache, chunk));
  }

  @Test
  final void boundedCachesForgetOldChunksForNewOnes() {
    assumeThat(bounded()).as("the cache is bounded").isTrue();
    CacheTier tier = tier();
    List<Chunk> chunks = new ArrayList<>();
    for (int i = 0; i < 2 * (bound() >> 20); i++) {
      Chunk chunk = chunk(1 << 20);
      chunks.add(chunk);
      tier.put(chunk.key(), chunk.segment());
    }
    long found = chunks.stream().filter(chunk -> get(tier, chunk)).count();
    assertThat(found).isBetween(1L, (long) bound() >> 20);
    assertThat(get(tier, chunks.getLast())).as("the newest chunk").isTrue();
    assertThat(counts.of(CacheMetrics.Lookup.ERROR)).isZero();
    assertThat(counts.of(CacheMetrics.Fill.ERROR)).isZero();
  }

  @Test
  final void aChunkThatIsLargerThanTheCacheIsNoError() {
    assumeThat(bounded()).as("the cache is bounded").isTrue();
    CacheTier tier = tier();
    Chunk small = chunk(1000);
    Chunk huge = chunk(bound() + (4 << 20));
    tier.put(huge.key(), huge.segment());
    assertThat(get(tier, huge)).isFalse();
    tier.put(small.key(), small.segment());
    assertThat(get(tier, small)).isTrue();
    assertThat(counts.of(CacheMetrics.Lookup.ERROR)).isZero();
  }

  @Test
  final void aServerThatIsKilledAndComesBackCostsMissesOnly() throws InterruptedException {
    assumeThat(hasServer()).as("there is a server").isTrue();
    CacheTier tier = tier();
    Chunk chunk = chunk(1_200_000);
    give(cache, chunk);
    assertThat(get(tier, chunk)).isTrue();
    kill();
    long begin = System.nanoTime();
    for (int i = 0; i < 20; i++) {
      assertThat(get(tier, chunk)).isFalse();
      tier.put(chunk.key(), chunk.segment());
    }
    assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(patience());
    assertThat(counts.of(CacheMetrics.Lookup.ERROR)).isPositive();
    restart();
    long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
    while (!get(tier, chunk)) {
      assertThat(System.nanoTime()).as("the cache works again").isLessThan(deadline);
      if (cache.fillable()) {
        tier.put(chunk.key(), chunk.segment());
      } else {
        giveAgain(chunk);
      }
      Thread.sleep(20);
    }
  }

  /** What makes the chunk be there again after a restart, where a cache cannot be filled. */
  protected void giveAgain(Chunk chunk) {
    give(cache, chunk);
  }

  @Test
  final void aServerThatIsKilledWhileManyReadFailsNobody() throws Exception {
    assumeThat(hasServer()).as("there is a server").isTrue();
    CacheTier tier = tier();
    List<Chunk> chunks = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      Chunk chunk = chunk(2 << 20);
      chunks.add(chunk);
      give(cache, chunk);
    }
    AtomicInteger hits = new AtomicInteger();
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<?>> readers = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        int index = i;
        readers.add(
            threads.submit(
                () -> {
                  for (int n = 0; n < 40; n++) {
                    if (get(tier, chunks.get((index + n) % 4))) {
                      hits.incrementAndGet();
                    }
                  }
                }));
      }
      while (hits.get() < 10) {
        Thread.sleep(1);
      }
      kill();
      for (Future<?> reader : readers) {
        reader.get();
      }
    } finally {
      restart();
    }
    assertThat(hits.get()).isBetween(10, 320);
  }

  @Test
  final void aServerThatIsKilledWhileManyWriteFailsNobodyAndGivesNothingHalf() throws Exception {
    assumeThat(hasServer()).as("there is a server").isTrue();
    assumeThat(cache.fillable()).as("the cache is filled by loads").isTrue();
    CacheTier tier = tier();
    List<Chunk> chunks = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      chunks.add(chunk((1 << 20) + i));
    }
    AtomicInteger written = new AtomicInteger();
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<?>> writers = new ArrayList<>();
      for (Chunk chunk : chunks) {
        writers.add(
            threads.submit(
                () -> {
                  for (int n = 0; n < 40; n++) {
                    tier.put(chunk.key(), chunk.segment());
                    written.incrementAndGet();
                  }
                }));
      }
      while (written.get() < 10) {
        Thread.sleep(1);
      }
      kill();
      for (Future<?> writer : writers) {
        writer.get();
      }
    } finally {
      restart();
    }
    for (Chunk chunk : chunks) {
      get(tier, chunk); // right or a miss, never half of it
    }
    assertThat(counts.of(CacheMetrics.Lookup.CORRUPT)).isZero();
  }

  @Test
  final void aServerThatHangsIsLeftAloneSoon() {
    assumeThat(hasServer()).as("there is a server").isTrue();
    CacheTier tier = tier();
    Chunk chunk = chunk(500_000);
    give(cache, chunk);
    assumeThat(hang()).as("the server can be made to hang").isTrue();
    try {
      long begin = System.nanoTime();
      for (int i = 0; i < 3; i++) {
        assertThat(get(tier, chunk)).isFalse();
      }
      assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(patience());
      assertThat(counts.of(CacheMetrics.Lookup.ERROR)).isPositive();
    } finally {
      goOn();
    }
  }

  @Test
  final void whatNobodyPutIsAMiss() {
    Chunk chunk = chunk(10);
    ChunkKey other = new ChunkKey(Digest.sha256(new byte[] {9}), chunk.key().range(), 1);
    assertThat(cache.get(other, MemorySegment.ofArray(new byte[10]))).isFalse();
  }
}
