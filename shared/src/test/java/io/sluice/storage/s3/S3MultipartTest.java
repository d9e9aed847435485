package io.sluice.storage.s3;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.sluice.Eventually;
import io.sluice.model.ByteRange;
import io.sluice.model.ErrorKind;
import io.sluice.model.InvalidValueException;
import io.sluice.storage.FaultyProxy;
import io.sluice.storage.FaultyProxy.Fault;
import io.sluice.storage.FaultyProxy.Request;
import io.sluice.storage.RetryPolicy;
import io.sluice.storage.RetryingShardStore;
import io.sluice.storage.S3Fixture;
import io.sluice.storage.ShardStore;
import io.sluice.storage.ShardStoreKit;
import io.sluice.storage.StorageException;
import io.sluice.storage.TransientStorageException;
import io.sluice.storage.UnfinishedWrite;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import software.amazon.awssdk.services.s3.S3Client;

/** Objects that are sent in parts, to the embedded S3 and through a proxy that breaks answers. */
class S3MultipartTest {
  /** The smallest that S3 takes. */
  private static final int PART = 5 << 20;

  private static final int SIZE = 4 * PART + 4321;
  private static final MultipartSettings SMALL = new MultipartSettings(PART, PART, 3);
  private static final RetryPolicy FAST =
      new RetryPolicy(4, Duration.ofMillis(1), Duration.ofMillis(20), Duration.ofMinutes(2));
  private static final Pattern NUMBER = Pattern.compile(".*partNumber=(\\d+).*");

  /** The whole contract again, every object of more than a byte sent as parts, if only one. */
  @Nested
  @TestInstance(TestInstance.Lifecycle.PER_METHOD)
  class Contract extends ShardStoreKit {
    @Override
    protected ShardStore store() {
      return new RetryingShardStore(
          new S3ShardStore(
              direct,
              S3Fixture.server().bucket(),
              "parts",
              new MultipartSettings(1, PART, 4),
              RetryPolicy.DEFAULT,
              true),
          RetryPolicy.DEFAULT);
    }

    /** The embedded S3 makes file names of keys, and longer ones of parts. */
    @Override
    protected int longestSegment() {
      return 100;
    }

    @Override
    protected int manyObjects() {
      return 30; // listing is not what this is about
    }
  }

  private static final byte[] BYTES = new byte[SIZE];
  private static FaultyProxy proxy;
  private static S3Client direct;
  private static S3Client client;
  private static S3ShardStore store;

  private final String key = "multipart/" + UUID.randomUUID();

  @BeforeAll
  static void start() throws IOException {
    new Random(1).nextBytes(BYTES);
    proxy = new FaultyProxy(S3Fixture.server().endpoint());
    direct = S3Fixture.client();
    client =
        S3Fixture.client(
            proxy.endpoint(), S3Fixture.server().secretKey(), 1, Duration.ofMinutes(1));
    store = new S3ShardStore(client, S3Fixture.server().bucket(), "p", SMALL, FAST, false);
  }

  @AfterAll
  static void stop() throws IOException {
    client.close();
    direct.close();
    proxy.close();
  }

  @AfterEach
  void nothingIsLeft() {
    assertThat(unfinished()).isEmpty();
    proxy.clear();
  }

  private boolean put() {
    return store.putIfAbsent(key, MemorySegment.ofArray(BYTES));
  }

  private byte[] read() {
    byte[] target = new byte[SIZE];
    store.read(key, Optional.empty(), new ByteRange(0, SIZE), MemorySegment.ofArray(target));
    return target;
  }

  private List<UnfinishedWrite> unfinished() {
    List<UnfinishedWrite> found = new ArrayList<>();
    new S3ShardStore(direct, S3Fixture.server().bucket(), "p").unfinished(key, found::add);
    return found;
  }

  private boolean exists() {
    try {
      return store.head(key).size() == SIZE;
    } catch (StorageException e) {
      assertThat(e.kind()).isEqualTo(ErrorKind.MISSING);
      return false;
    }
  }

  private static Predicate<Request> part(int number) {
    return request ->
        request.method().equals("PUT") && request.path().contains("partNumber=" + number + "&");
  }

  private static final Predicate<Request> JOIN =
      request -> request.method().equals("POST") && request.path().contains("uploadId=");

  private static List<Integer> partsSent() {
    List<Integer> numbers = new ArrayList<>();
    for (Request request : proxy.seen()) {
      var matcher = NUMBER.matcher(request.path());
      if (matcher.matches()) {
        numbers.add(Integer.parseInt(matcher.group(1)));
      }
    }
    numbers.sort(null);
    return numbers;
  }

  @Test
  void everyPartIsSentOnceAndTheObjectIsWhole() {
    assertThat(put()).isTrue();
    assertThat(partsSent()).containsExactly(1, 2, 3, 4);
    assertThat(read()).isEqualTo(BYTES);
    assertThat(put()).as("a taken key").isFalse();
  }

  @Test
  void aPartThatFailsIsSentAgainAlone() {
    proxy.plan(part(3), new Fault.Refuse(503, "SlowDown"), new Fault.LoseAnswer());
    proxy.plan(part(4), new Fault.Refuse(500, "InternalError"));
    assertThat(put()).isTrue();
    assertThat(partsSent()).containsExactly(1, 2, 3, 3, 3, 4, 4);
    assertThat(read()).isEqualTo(BYTES);
  }

  @Test
  void aPartThatIsRefusedEndsTheWriteAndLeavesNothing() {
    proxy.plan(part(2), new Fault.Refuse(403, "AccessDenied"));
    StorageException e = catchThrowableOfType(StorageException.class, this::put);
    assertThat(e.kind()).isEqualTo(ErrorKind.FORBIDDEN);
    assertThat(e).hasMessageContaining("'" + key + "'");
    assertThat(exists()).isFalse();
  }

  @Test
  void aPartThatFailsAgainAndAgainEndsTheWriteAndLeavesNothing() {
    Fault down = new Fault.Refuse(503, "SlowDown");
    proxy.plan(part(2), down, down, down, down);
    StorageException e = catchThrowableOfType(StorageException.class, this::put);
    assertThat(e.kind()).isEqualTo(ErrorKind.TRANSIENT);
    assertThat(exists()).isFalse();
    assertThat(put()).as("the next write").isTrue();
  }

  /** The store checks what it got: what was damaged on its way is sent again. */
  @Test
  void withChecksumsAPartThatWasDamagedIsSentAgain() {
    ShardStore checking =
        new S3ShardStore(client, S3Fixture.server().bucket(), "p", SMALL, FAST, true);
    proxy.plan(part(2), new Fault.CorruptRequest(100_000));
    assertThat(checking.putIfAbsent(key, MemorySegment.ofArray(BYTES))).isTrue();
    assertThat(partsSent()).containsExactly(1, 2, 2, 3, 4);
    assertThat(read()).isEqualTo(BYTES);
  }

  @Test
  void withChecksumsASmallObjectThatWasDamagedIsSentAgain() {
    ShardStore checking =
        new RetryingShardStore(
            new S3ShardStore(client, S3Fixture.server().bucket(), "p", SMALL, FAST, true), FAST);
    byte[] small = Arrays.copyOf(BYTES, PART / 2);
    proxy.plan("PUT", new Fault.CorruptRequest(100_000));
    assertThat(checking.putIfAbsent(key, MemorySegment.ofArray(small))).isTrue();
    byte[] stored = new byte[small.length];
    checking.read(
        key, Optional.empty(), new ByteRange(0, small.length), MemorySegment.ofArray(stored));
    assertThat(stored).isEqualTo(small);
    assertThat(proxy.seen().stream().filter(r -> r.method().equals("PUT"))).hasSize(2);
  }

  @Test
  void aLostAnswerToTheJoinIsFoundOut() {
    proxy.plan(JOIN, new Fault.LoseAnswer());
    put(); // by whom it was stored cannot be known; see ShardWriter
    assertThat(read()).isEqualTo(BYTES);
    assertThat(proxy.seen().stream().filter(JOIN)).hasSizeGreaterThan(1);
  }

  @Test
  void aStoreThatKnowsNoConditionForJoiningIsServedToo() {
    proxy.plan(JOIN, new Fault.Refuse(501, "NotImplemented"));
    assertThat(put()).isTrue();
    assertThat(read()).isEqualTo(BYTES);
    proxy.plan(JOIN, new Fault.Refuse(501, "NotImplemented"));
    assertThat(put()).as("a taken key").isFalse();
  }

  @Test
  void aRefusedJoinLeavesNothing() {
    proxy.plan(JOIN, new Fault.Refuse(403, "AccessDenied"));
    StorageException e = catchThrowableOfType(StorageException.class, this::put);
    assertThat(e.kind()).isEqualTo(ErrorKind.FORBIDDEN);
    assertThat(exists()).isFalse();
  }

  @Test
  void anInterruptEndsTheWriteAndLeavesNothing() throws Exception {
    proxy.plan(part(2), new Fault.Delay(Duration.ofMinutes(5)));
    AtomicReference<Throwable> thrown = new AtomicReference<>();
    Thread writer =
        Thread.ofVirtual()
            .start(
                () -> {
                  try {
                    put();
                  } catch (StorageException e) {
                    thrown.set(e);
                  }
                });
    Eventually.eventually("the second part", () -> partsSent().contains(2));
    writer.interrupt();
    assertThat(writer.join(Eventually.PATIENCE)).as("it ends before the part does").isTrue();
    assertThat(thrown.get()).isInstanceOf(TransientStorageException.class);
    assertThat(exists()).isFalse();
  }

  @Test
  void whatAKilledWriterLeftIsListedAndAbandoned() {
    String id =
        direct
            .createMultipartUpload(
                request -> request.bucket(S3Fixture.server().bucket()).key("p/" + key))
            .uploadId();
    List<UnfinishedWrite> left = unfinished();
    assertThat(left).hasSize(1);
    assertThat(left.getFirst().key()).isEqualTo(key);
    assertThat(left.getFirst().id()).isEqualTo(id);
    assertThat(left.getFirst().begun())
        .isBetween(Instant.now().minusSeconds(60), Instant.now().plusSeconds(60));
    RetryingShardStore retrying = new RetryingShardStore(store, FAST);
    retrying.abandon(left.getFirst());
    retrying.abandon(left.getFirst());
  }

  @ParameterizedTest
  @CsvSource({
    "134217729, 33554432, 33554433", // 4 parts of nearly the same size
    "167772159, 33554432, 41943040",
    "5368709121, 33554432, 33554433", // over what a single request takes
    "1099511627776, 33554432, 109951163", // 10,000 parts
    "10, 4, 5",
    "3, 4, 3"
  })
  void partsAreEvenAndNotTooMany(long size, long part, long expected) {
    long bytes = new MultipartSettings(1, part, 1).partBytes(size);
    assertThat(bytes).isEqualTo(expected);
    assertThat(Math.ceilDiv(size, bytes)).isLessThanOrEqualTo(MultipartSettings.MAX_PARTS);
  }

  @Test
  void impossibleSettingsAreRefused() {
    for (long[] bad :
        new long[][] {
          {0, 1, 1},
          {1, 0, 1},
          {1, 1, 0},
          {1, S3ShardStore.MAX_PUT, 1},
          {S3ShardStore.MAX_PUT + 1, 1, 1}
        }) {
      assertThatThrownBy(() -> new MultipartSettings(bad[0], bad[1], (int) bad[2]))
          .isInstanceOf(InvalidValueException.class);
    }
  }

  /** Writes over 5 GiB to disk: run it by {@code -Dsluice.test.large=true}. */
  @Test
  @EnabledIfSystemProperty(named = "sluice.test.large", matches = "true")
  void oneObjectMayExceedFiveGigabytes() {
    long size = S3ShardStore.MAX_PUT + 4097;
    S3ShardStore large = new S3ShardStore(direct, S3Fixture.server().bucket(), "p");
    try (Arena arena = Arena.ofShared()) {
      MemorySegment bytes = arena.allocate(size);
      bytes.asSlice(size - SIZE).copyFrom(MemorySegment.ofArray(BYTES));
      assertThat(large.putIfAbsent(key, bytes)).isTrue();
    }
    byte[] last = new byte[SIZE];
    large.read(
        key, Optional.empty(), new ByteRange(size - SIZE, SIZE), MemorySegment.ofArray(last));
    assertThat(last).isEqualTo(BYTES);
    assertThat(large.head(key).size()).isEqualTo(size);
    large.delete(key);
  }
}
