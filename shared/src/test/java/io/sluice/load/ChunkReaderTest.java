package io.sluice.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.memory.Slab;
import io.sluice.memory.SlabPool;
import io.sluice.model.ByteRange;
import io.sluice.model.ContentHasher;
import io.sluice.model.ErrorKind;
import io.sluice.model.Keys;
import io.sluice.model.ShardDescriptor;
import io.sluice.storage.FaultyProxy;
import io.sluice.storage.FaultyProxy.Fault;
import io.sluice.storage.RetryPolicy;
import io.sluice.storage.RetryingShardStore;
import io.sluice.storage.S3Fixture;
import io.sluice.storage.ShardStore;
import io.sluice.storage.s3.S3ShardStore;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.services.s3.S3Client;

/** Reads of a shard from the embedded S3, through a proxy that breaks and delays answers. */
class ChunkReaderTest {
  private static final int CHUNK = 256 << 10;
  private static final int CHUNKS = 21;
  private static final byte[] BYTES = new byte[(CHUNKS - 1) * CHUNK + 77];
  private static final Duration MINUTE = Duration.ofMinutes(1);
  private static final RetryPolicy FAST =
      new RetryPolicy(6, Duration.ofMillis(1), Duration.ofMillis(20), Duration.ofSeconds(30));

  private static FaultyProxy proxy;
  private static S3Client client;
  private static ShardStore store;
  private static ShardDescriptor shard;

  private final Counts counts = new Counts();
  private final AtomicLong progress = new AtomicLong();
  private SlabPool pool;
  private Slab slab;

  /** What was told to the metrics. */
  private static final class Counts implements ReadMetrics {
    final AtomicInteger reads = new AtomicInteger();
    final AtomicInteger retries = new AtomicInteger();
    final AtomicInteger throttled = new AtomicInteger();
    final AtomicInteger rereads = new AtomicInteger();
    final AtomicInteger hedges = new AtomicInteger();
    final AtomicInteger won = new AtomicInteger();
    final AtomicInteger narrowest = new AtomicInteger(Integer.MAX_VALUE);
    volatile int window;

    /** What a busy machine made slow before does not count. */
    void forgetHedges() {
      hedges.set(0);
      won.set(0);
    }

    @Override
    public void read(long bytes, long nanos) {
      reads.incrementAndGet();
    }

    @Override
    public void retried(boolean wasThrottled) {
      (wasThrottled ? throttled : retries).incrementAndGet();
    }

    @Override
    public void reread() {
      rereads.incrementAndGet();
    }

    @Override
    public void hedged() {
      hedges.incrementAndGet();
    }

    @Override
    public void hedgeWon() {
      won.incrementAndGet();
    }

    @Override
    public void window(int requests) {
      window = requests;
      narrowest.accumulateAndGet(requests, Math::min);
    }
  }

  @BeforeAll
  static void start() throws IOException {
    new Random(11).nextBytes(BYTES);
    ContentHasher hasher = new ContentHasher(BYTES.length, CHUNK);
    hasher.update(MemorySegment.ofArray(BYTES));
    shard = hasher.finish();
    proxy = new FaultyProxy(S3Fixture.server().endpoint());
    client =
        S3Fixture.client(
            proxy.endpoint(), S3Fixture.server().secretKey(), 1, Duration.ofMinutes(1));
    store =
        new RetryingShardStore(
            new S3ShardStore(client, S3Fixture.server().bucket(), "chunk-reader"), FAST);
  }

  @AfterAll
  static void stop() throws IOException {
    client.close();
    proxy.close();
  }

  @BeforeEach
  void put() {
    store.putIfAbsent(Keys.shard(shard.digest()), MemorySegment.ofArray(BYTES));
    proxy.clear();
    pool = new SlabPool(64 << 20);
    slab = pool.allocate(BYTES.length);
  }

  @AfterEach
  void everythingIsFreed() {
    slab.close();
    assertThat(pool.usedBytes()).as("spare memory").isZero();
    pool.close();
  }

  @Test
  void requestsAreEvenAndOfWholeChunks() throws InterruptedException {
    read(settings(4, 5L * CHUNK, MINUTE, 0));

    assertWhole();
    // 21 chunks in requests of at most 5: 4 + 4 + 4 + 4 + 5, never 5 + 5 + 5 + 5 + 1.
    assertThat(lengths())
        .hasSize(5)
        .allMatch(length -> length >= 4L * CHUNK - CHUNK && length <= 5L * CHUNK);
    assertThat(lengths().stream().mapToLong(Long::longValue).sum()).isEqualTo(BYTES.length);
    assertThat(counts.reads).hasValue(5);
  }

  @Test
  void oneChunkOfManyThatIsWrongIsReadAgainAlone() throws InterruptedException {
    proxy.plan("GET", new Fault.Corrupt(CHUNK + 5));

    read(settings(1, 100L * CHUNK, MINUTE, 0));

    assertWhole();
    assertThat(ranges()).containsExactly(range(0, BYTES.length), range(CHUNK, 2 * CHUNK));
    assertThat(counts.rereads).hasValue(1);
  }

  @Test
  void aBrokenRequestGoesOnAndItsChecksumsToo() throws InterruptedException {
    proxy.plan("GET", new Fault.Truncate(3 * CHUNK + 1000), new Fault.Truncate(CHUNK / 2));

    read(settings(1, 100L * CHUNK, MINUTE, 0));

    assertWhole();
    assertThat(ranges())
        .containsExactly(
            range(0, BYTES.length),
            range(3 * CHUNK + 1000, BYTES.length),
            range(3 * CHUNK + 1000 + CHUNK / 2, BYTES.length));
    assertThat(counts.retries).hasValue(2);
  }

  @Test
  void aStoreThatThrottlesIsAskedForLessUntilItRecovers() throws InterruptedException {
    Fault slowDown = new Fault.Refuse(503, "SlowDown");
    proxy.plan("GET", slowDown, slowDown, slowDown);
    ChunkReader reader = reader(settings(8, CHUNK, MINUTE, 0));

    read(reader);

    assertWhole();
    assertThat(counts.throttled).hasValue(3);
    assertThat(counts.narrowest).hasValue(4);
    for (int i = 0; i < 5 && counts.window < 8; i++) {
      read(reader);
    }
    assertThat(counts.window).isEqualTo(8);
  }

  @Test
  void aSlowLastRequestIsMadeASecondTimeForWhatIsMissing() throws InterruptedException {
    ChunkReader reader = reader(settings(4, CHUNK, MINUTE, 1));
    read(reader);
    proxy.clear();
    progress.set(0);
    slab.segment().fill((byte) 0);
    counts.forgetHedges();
    proxy.plan("GET", new Fault.Stall(CHUNK / 4));

    read(reader);

    assertWhole();
    assertThat(counts.hedges).hasValue(1);
    assertThat(counts.won).hasValue(1);
    assertThat(lengths()).hasSize(CHUNKS + 1);
    assertThat(lengths().getLast())
        .as("what the first one had was not read again")
        .isLessThan(CHUNK);
  }

  @Test
  void aFirstRequestThatIsFasterAfterAllWins() throws InterruptedException {
    ChunkReader reader = reader(settings(4, CHUNK, MINUTE, 1));
    read(reader);
    proxy.clear();
    progress.set(0);
    slab.segment().fill((byte) 0);
    counts.forgetHedges();
    CountDownLatch second = new CountDownLatch(1);
    proxy.plan("GET", new Fault.Hold(second));
    proxy.plan(
        request -> {
          boolean isSecond = proxy.seen().size() > CHUNKS;
          if (isSecond) {
            second.countDown();
          }
          return isSecond;
        },
        new Fault.Stall(10));

    read(reader);

    assertWhole();
    assertThat(counts.hedges).hasValue(1);
    assertThat(counts.won).hasValue(0);
  }

  @Test
  void whatMeetsItsDeadlineIsMadeAnewButNotForEver() throws InterruptedException {
    Duration deadline = Duration.ofSeconds(3);
    proxy.plan("GET", new Fault.Stall(2 * CHUNK + 10));
    read(settings(1, 100L * CHUNK, deadline, 0));
    assertWhole();
    assertThat(ranges()).hasSize(2).first().isEqualTo(range(0, BYTES.length));
    assertThat(ranges().getLast()).isEqualTo(range(2 * CHUNK + 10, BYTES.length));

    proxy.plan("GET", new Fault.Stall(10), new Fault.Stall(10), new Fault.Stall(10));
    assertThatThrownBy(() -> read(settings(1, 100L * CHUNK, Duration.ofMillis(300), 0)))
        .isInstanceOfSatisfying(
            LoadException.class,
            e -> {
              assertThat(e.kind()).isEqualTo(ErrorKind.TRANSIENT);
              assertThat(e.code()).isEqualTo("chunk-deadline");
            })
        .hasMessageContaining("3 times");
  }

  @Test
  void anObjectThatIsReplacedMeanwhileIsAnErrorAndNoMixture() throws Exception {
    byte[] other = BYTES.clone();
    other[BYTES.length - 1] ^= 1;
    String key = Keys.shard(shard.digest());
    AtomicLong replaced = new AtomicLong();
    // One request after the other: the object is replaced when the first chunk is there.
    assertThatThrownBy(
            () ->
                reader(settings(1, CHUNK, MINUTE, 0))
                    .read(
                        shard,
                        List.of(new ByteRange(0, BYTES.length)),
                        List.of(slab.segment()),
                        n -> {
                          if (replaced.getAndAdd(n) == 0) {
                            store.delete(key);
                            store.putIfAbsent(key, MemorySegment.ofArray(other));
                          }
                        }))
        .isInstanceOfSatisfying(
            LoadException.class,
            e -> {
              assertThat(e.code()).isEqualTo("shard-replaced");
              assertThat(e.retryable()).isTrue();
            })
        .hasMessageContaining(key);
    assertThat(replaced.get()).isLessThan(BYTES.length - CHUNK);
    store.delete(key);
  }

  // ---- tools

  private static ReadSettings settings(
      int parallelism, long requestBytes, Duration deadline, int hedges) {
    return new ReadSettings(parallelism, 3, requestBytes, deadline, hedges, Duration.ofMillis(300));
  }

  private ChunkReader reader(ReadSettings settings) {
    return new ChunkReader(store, settings, Optional.of(pool), counts);
  }

  private void read(ReadSettings settings) throws InterruptedException {
    progress.set(0);
    read(reader(settings));
  }

  private void read(ChunkReader reader) throws InterruptedException {
    reader.read(
        shard,
        List.of(new ByteRange(0, BYTES.length)),
        List.of(slab.segment()),
        progress::addAndGet);
  }

  private void assertWhole() {
    assertThat(slab.segment().mismatch(MemorySegment.ofArray(BYTES))).isEqualTo(-1);
    assertThat(progress.get() % BYTES.length).isZero();
    assertThat(progress.get()).isPositive();
  }

  private static String range(int begin, int end) {
    return "bytes=" + begin + "-" + (end - 1);
  }

  private static List<String> ranges() {
    return proxy.seen().stream().map(FaultyProxy.Request::range).toList();
  }

  private static List<Long> lengths() {
    return ranges().stream()
        .map(range -> range.substring("bytes=".length()).split("-"))
        .map(ends -> Long.parseLong(ends[1]) - Long.parseLong(ends[0]) + 1)
        .toList();
  }
}
