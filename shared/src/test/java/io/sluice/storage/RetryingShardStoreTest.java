package io.sluice.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.sluice.model.ByteRange;
import io.sluice.model.ErrorKind;
import io.sluice.model.InvalidValueException;
import io.sluice.storage.file.FileShardStore;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.function.Consumer;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RetryingShardStoreTest {
  private static final int MIB = 1 << 20;
  private static final RetryPolicy POLICY =
      new RetryPolicy(4, Duration.ofMillis(100), Duration.ofMillis(300), Duration.ofSeconds(10));

  @TempDir Path folder;

  private final byte[] bytes = new byte[3 * MIB];
  private final FakeClock clock = new FakeClock();
  private Failing failing;
  private ShardStore store;

  @BeforeEach
  void start() {
    failing = new Failing(new FileShardStore(folder));
    store = new RetryingShardStore(failing, POLICY, clock);
    new Random(7).nextBytes(bytes);
    store.putIfAbsent("object", MemorySegment.ofArray(bytes));
    failing.calls.clear();
  }

  @Test
  void pausesAreJitteredBelowADoublingBound() {
    failing.next.addAll(List.of(0L, 0L, 0L));
    store.head("object");
    assertThat(clock.pauses).hasSize(3);
    assertThat(clock.pauses.get(0)).isBetween(0L, 100_000_000L);
    assertThat(clock.pauses.get(1)).isBetween(0L, 200_000_000L);
    assertThat(clock.pauses.get(2)).as("bounded").isBetween(0L, 300_000_000L);
    for (int i = 0; i < 100; i++) {
      failing.next.add(0L);
      store.head("object");
    }
    assertThat(clock.pauses.stream().distinct().count()).as("drawn, not fixed").isGreaterThan(90);
  }

  @Test
  void theBoundNeverOverflows() {
    RetryPolicy policy =
        new RetryPolicy(1000, Duration.ofMillis(1), Duration.ofDays(1), Duration.ofDays(9));
    long before = 0;
    for (int failures = 1; failures < 200; failures++) {
      assertThat(policy.delayBound(failures)).isBetween(before, Duration.ofDays(1).toNanos());
      before = policy.delayBound(failures);
    }
    assertThat(before).isEqualTo(Duration.ofDays(1).toNanos());
    assertThat(new RetryPolicy(2, Duration.ZERO, Duration.ZERO, Duration.ZERO).delayBound(50))
        .isZero();
  }

  @Test
  void triesAreBounded() {
    failing.next.addAll(List.of(0L, 0L, 0L, 0L, 0L));
    StorageException e = failure(() -> store.head("object"));
    assertThat(e.kind()).isEqualTo(ErrorKind.TRANSIENT);
    assertThat(e).hasMessageContaining("gave up after 4 tries");
    assertThat(failing.calls).hasSize(4);
  }

  @Test
  void whatIsNotTransientIsNotRepeated() {
    assertThat(failure(() -> store.head("missing")).kind()).isEqualTo(ErrorKind.MISSING);
    assertThat(failing.calls).hasSize(1);
    assertThat(clock.pauses).isEmpty();
  }

  @Test
  void progressCountsTheTriesAnew() {
    // Each try but the last moves by a whole MiB or not at all; four in a row without would fail.
    failing.next.addAll(List.of(0L, 0L, 0L, (long) MIB, 0L, 0L, (long) MIB, 0L, 0L));
    assertThat(read()).isEqualTo(bytes);
    assertThat(failing.calls)
        .containsExactly(
            "0+3145728",
            "0+3145728",
            "0+3145728",
            "0+3145728",
            "1048576+2097152",
            "1048576+2097152",
            "1048576+2097152",
            "2097152+1048576",
            "2097152+1048576",
            "2097152+1048576");
  }

  @Test
  void aTrickleIsNoProgress() {
    failing.next.addAll(List.of(10L, 10L, 10L, 10L, 10L));
    TransientStorageException e = (TransientStorageException) failure(this::read);
    assertThat(e.transferred()).as("of all tries").isEqualTo(40);
    assertThat(failing.calls).hasSize(4);
  }

  @Test
  void theDeadlineHoldsInSpiteOfProgress() {
    clock.perCall = Duration.ofSeconds(4).toNanos();
    failing.next.addAll(List.of((long) MIB, (long) MIB, 0L, 0L));
    TransientStorageException e = (TransientStorageException) failure(this::read);
    assertThat(e).hasMessageContaining("deadline of PT10S");
    assertThat(e.transferred()).isEqualTo(2 * MIB);
  }

  @Test
  void aFailureBehindTheLastByteIsNone() {
    failing.next.add((long) bytes.length);
    assertThat(read()).isEqualTo(bytes);
    assertThat(failing.calls).hasSize(1);
  }

  @Test
  void theStoreMayAskForALongerPause() {
    failing.retryAfter = Duration.ofSeconds(3);
    failing.next.add(0L);
    store.head("object");
    assertThat(clock.pauses).containsExactly(Duration.ofSeconds(3).toNanos());
    failing.retryAfter = Duration.ofSeconds(11);
    failing.next.add(0L);
    assertThat(failure(() -> store.head("object"))).hasMessageContaining("deadline");
  }

  @Test
  void whoIsInterruptedDoesNotTryAgain() {
    failing.next.addAll(List.of(0L, 0L));
    Thread.currentThread().interrupt();
    StorageException e = failure(() -> store.head("object"));
    assertThat(Thread.interrupted()).isTrue();
    assertThat(e).hasMessageContaining("interrupted");
    assertThat(failing.calls).hasSize(1);
  }

  @Test
  void aListingThatBreaksOffGivesEachObjectOnce() {
    for (int i = 0; i < 20; i++) {
      store.putIfAbsent("many/" + i, MemorySegment.ofArray(new byte[1]));
    }
    failing.next.addAll(List.of(7L, 13L));
    List<String> given = new ArrayList<>();
    store.list("many/", info -> given.add(info.key()));
    assertThat(given).hasSize(20).doesNotHaveDuplicates();
  }

  @Test
  void anErrorOfWhoReceivesAListingIsHisOwn() {
    TransientStorageException his = new TransientStorageException("his", 0, "his own", null);
    failing.calls.clear();
    StorageException e =
        failure(
            () ->
                store.list(
                    "",
                    info -> {
                      throw his;
                    }));
    assertThat(e).isSameAs(his);
    assertThat(failing.calls).hasSize(1);
  }

  @Test
  void anUncertainWriteIsReadBackIfItIsSmall() {
    failing.next.add(1L); // stored, but the answer is lost
    assertThat(store.putIfAbsent("tag", MemorySegment.ofArray(new byte[] {1}))).isTrue();
    failing.next.add(0L); // lost on the way
    assertThat(store.putIfAbsent("tag", MemorySegment.ofArray(new byte[] {2}))).isFalse();
    assertThat(store.putIfAbsent("tag", MemorySegment.ofArray(new byte[] {1}))).isFalse();
    MemorySegment large = MemorySegment.ofArray(new byte[(int) StoredBytes.MAX_COMPARED + 1]);
    failing.next.add(1L);
    assertThat(store.putIfAbsent("shard", large)).as("not read back").isFalse();
    assertThat(store.head("shard").size()).isEqualTo(large.byteSize());
  }

  @Test
  void metricsSeeEveryTry() {
    List<String> seen = new ArrayList<>();
    StoreMetrics metrics =
        new StoreMetrics() {
          @Override
          public void succeeded(Operation operation, long count, long nanos) {
            assertThat(nanos).isNotNegative();
            seen.add(operation + " " + count);
          }

          @Override
          public void failed(Operation operation, ErrorKind kind, long count, long nanos) {
            assertThat(nanos).isNotNegative();
            seen.add(operation + " " + kind + " " + count);
          }
        };
    store = new RetryingShardStore(new MeteredShardStore(failing, metrics), POLICY, clock);
    failing.next.add((long) MIB);
    read();
    store.head("object");
    failure(() -> store.head("missing"));
    store.putIfAbsent("new", MemorySegment.ofArray(new byte[5]));
    store.putIfAbsent("new", MemorySegment.ofArray(new byte[5]));
    store.list("", info -> {});
    store.delete("new");
    assertThat(seen)
        .containsExactly(
            "READ TRANSIENT 1048576",
            "READ 2097152",
            "HEAD 0",
            "HEAD MISSING 0",
            "PUT 5",
            "PUT 0",
            "LIST 0",
            "DELETE 0");
  }

  @Test
  void badPoliciesAreRefused() {
    Duration one = Duration.ofSeconds(1);
    List<ThrowingCallable> bad =
        List.of(
            () -> new RetryPolicy(0, one, one, one),
            () -> new RetryPolicy(1, one.negated(), one, one),
            () -> new RetryPolicy(1, one, one.dividedBy(2), one),
            () -> new RetryPolicy(1, one, one, one.negated()));
    assertThat(bad)
        .allSatisfy(
            call ->
                assertThat(catchThrowableOfType(InvalidValueException.class, call).code())
                    .isEqualTo("retry-policy-invalid"));
  }

  private byte[] read() {
    byte[] target = new byte[bytes.length];
    store.read(
        "object", Optional.empty(), new ByteRange(0, target.length), MemorySegment.ofArray(target));
    return target;
  }

  private static StorageException failure(ThrowingCallable call) {
    StorageException e = catchThrowableOfType(StorageException.class, call);
    assertThat(e).as("a StorageException").isNotNull();
    return e;
  }

  /** Sleeps by moving its hands. */
  private final class FakeClock implements Retrier.Clock {
    private final List<Long> pauses = new ArrayList<>();
    private long perCall;
    private long now;

    @Override
    public long nanoTime() {
      return now + failing.calls.size() * perCall;
    }

    @Override
    public void sleep(long nanos) {
      pauses.add(nanos);
      now += nanos;
    }
  }

  /**
   * A real store of which the next calls fail after so many bytes (of a read), objects (of a
   * listing), or after (1) or before (0) having an effect.
   */
  private static final class Failing implements ShardStore {
    private final ShardStore real;
    private final Deque<Long> next = new ArrayDeque<>();
    private final List<String> calls = new ArrayList<>();
    private Duration retryAfter = Duration.ZERO;

    Failing(ShardStore real) {
      this.real = real;
    }

    private TransientStorageException planned(String key, long transferred) {
      return new TransientStorageException(key, transferred, retryAfter, "planned", null);
    }

    @Override
    public ObjectInfo head(String key) {
      calls.add("head");
      if (!next.isEmpty()) {
        throw planned(key, next.remove());
      }
      return real.head(key);
    }

    @Override
    public void read(
        String key,
        Optional<String> etag,
        ByteRange range,
        MemorySegment target,
        ReadObserver observer) {
      calls.add(range.offset() + "+" + range.length());
      if (!next.isEmpty()) {
        long come = next.remove();
        real.read(key, etag, new ByteRange(range.offset(), come), target);
        throw planned(key, come);
      }
      real.read(key, etag, range, target, observer);
    }

    @Override
    public boolean putIfAbsent(String key, MemorySegment bytes) {
      calls.add("put");
      if (!next.isEmpty()) {
        if (next.remove() > 0) {
          real.putIfAbsent(key, bytes);
        }
        throw planned(key, 0);
      }
      return real.putIfAbsent(key, bytes);
    }

    @Override
    public void delete(String key) {
      calls.add("delete");
      real.delete(key);
    }

    @Override
    public void list(String prefix, Consumer<ObjectInfo> each) {
      calls.add("list");
      long limit = next.isEmpty() ? Long.MAX_VALUE : next.remove();
      long[] count = new long[1];
      real.list(
          prefix,
          info -> {
            if (count[0]++ == limit) {
              throw planned(prefix, 0);
            }
            each.accept(info);
          });
    }

    @Override
    public void close() {
      real.close();
    }
  }
}
