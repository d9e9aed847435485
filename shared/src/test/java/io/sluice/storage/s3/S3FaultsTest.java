package io.sluice.storage.s3;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.sluice.model.ByteRange;
import io.sluice.model.ErrorKind;
import io.sluice.storage.FaultyProxy;
import io.sluice.storage.FaultyProxy.Fault;
import io.sluice.storage.RetryPolicy;
import io.sluice.storage.RetryingShardStore;
import io.sluice.storage.S3Fixture;
import io.sluice.storage.ShardStore;
import io.sluice.storage.StorageException;
import io.sluice.storage.TransientStorageException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import software.amazon.awssdk.services.s3.S3Client;

/** What becomes of failures between the store and the embedded S3, with and without retries. */
class S3FaultsTest {
  private static final int SIZE = 3 << 20;
  private static final int HALF = SIZE / 2;
  private static final Duration TIMEOUT = Duration.ofMinutes(1);

  /** Of those who have to find out that nothing comes. */
  private static final Duration HASTE = Duration.ofMillis(1500);

  private static final RetryPolicy FAST =
      new RetryPolicy(4, Duration.ofMillis(1), Duration.ofMillis(20), Duration.ofMinutes(2));

  private static final byte[] BYTES = new byte[SIZE];
  private static FaultyProxy proxy;
  private static S3Client client;
  private static S3Client twice;
  private static S3Client hasty;
  private static ShardStore store;
  private static ShardStore retrying;

  private final String key = "faults/" + UUID.randomUUID();
  private final byte[] target = new byte[SIZE];

  @BeforeAll
  static void start() throws IOException {
    new Random(1).nextBytes(BYTES);
    proxy = new FaultyProxy(S3Fixture.server().endpoint());
    client = S3Fixture.client(proxy.endpoint(), S3Fixture.server().secretKey(), 1, TIMEOUT);
    twice = S3Fixture.client(proxy.endpoint(), S3Fixture.server().secretKey(), 2, TIMEOUT);
    hasty = S3Fixture.client(proxy.endpoint(), S3Fixture.server().secretKey(), 1, HASTE);
    store = new S3ShardStore(client, S3Fixture.server().bucket(), "");
    retrying = new RetryingShardStore(store, FAST);
  }

  @AfterAll
  static void stop() throws IOException {
    client.close();
    twice.close();
    hasty.close();
    proxy.close();
  }

  @BeforeEach
  void put() {
    proxy.clear();
    assertThat(retrying.putIfAbsent(key, MemorySegment.ofArray(BYTES))).isTrue();
    proxy.clear();
  }

  // ---- reading

  @Test
  void aTruncatedBodyIsTransientAndTellsWhatCame() {
    proxy.plan("GET", new Fault.Truncate(HALF));
    TransientStorageException e = transientFailure(() -> read(store));
    assertThat(e.transferred()).isEqualTo(HALF);
    assertThat(Arrays.mismatch(target, 0, HALF, BYTES, 0, HALF)).isEqualTo(-1);
  }

  @Test
  void aResetIsTransientAndTellsWhatCame() {
    proxy.plan("GET", new Fault.Reset(HALF));
    TransientStorageException e = transientFailure(() -> read(store));
    int came = (int) e.transferred();
    assertThat(came).isBetween(1, HALF);
    assertThat(Arrays.mismatch(target, 0, came, BYTES, 0, came)).isEqualTo(-1);
  }

  @Test
  void aStallIsTransientAndTellsWhatCame() {
    proxy.plan("GET", new Fault.Stall(HALF));
    TransientStorageException e = transientFailure(() -> read(hastily()));
    assertThat(e.transferred()).isEqualTo(HALF);
  }

  @Test
  void aFirstByteThatIsTooSlowIsTransient() {
    proxy.plan("GET", new Fault.Delay(TIMEOUT));
    TransientStorageException e = transientFailure(() -> read(hastily()));
    assertThat(e.transferred()).isZero();
  }

  @Test
  void aSlowFirstByteIsWaitedFor() {
    proxy.plan("GET", new Fault.Delay(Duration.ofMillis(300)));
    read(store);
    assertThat(target).isEqualTo(BYTES);
  }

  @ParameterizedTest
  @ValueSource(ints = {408, 429, 500, 502, 503, 504})
  void aServerThatIsBusyOrBrokenIsTransient(int status) {
    proxy.plan("GET", new Fault.Refuse(status, "SlowDown"));
    TransientStorageException e = transientFailure(() -> read(store));
    assertThat(e.transferred()).isZero();
    assertThat(e.key()).isEqualTo(key);
    assertThat(e).hasMessageContaining(status + " SlowDown");
  }

  @Test
  void otherRefusalsAreNotTransient() {
    proxy.plan(
        "GET",
        new Fault.Refuse(403, "AccessDenied"),
        new Fault.Refuse(400, "ExpiredToken"),
        new Fault.Refuse(501, "NotImplemented"),
        new Fault.Refuse(400, "RequestTimeout"),
        new Fault.Refuse(507, "XMinioStorageFull"));
    assertThat(failure(() -> read(retrying)).kind()).isEqualTo(ErrorKind.FORBIDDEN);
    assertThat(failure(() -> read(retrying)).kind()).isEqualTo(ErrorKind.FORBIDDEN);
    assertThat(failure(() -> read(retrying)).kind()).isEqualTo(ErrorKind.FATAL);
    assertThat(failure(() -> read(store)).kind()).isEqualTo(ErrorKind.TRANSIENT);
    assertThat(failure(() -> read(retrying)).kind()).isEqualTo(ErrorKind.CAPACITY);
    assertThat(proxy.seen()).as("none of them was repeated").hasSize(5);
  }

  @Test
  void wrongBytesAreDeliveredForTheChecksumsToFind() {
    proxy.plan("GET", new Fault.Corrupt(HALF));
    read(store);
    assertThat(Arrays.mismatch(target, BYTES)).isEqualTo(HALF);
    assertThat(target[HALF] ^ BYTES[HALF]).isEqualTo(0x10);
  }

  // ---- reading with retries

  @Test
  void aReadGoesOnBehindWhatItHas() {
    proxy.plan("GET", new Fault.Truncate(1000), new Fault.Truncate(500), new Fault.Truncate(0));
    read(retrying);
    assertThat(target).isEqualTo(BYTES);
    assertThat(ranges())
        .containsExactly(
            "bytes=0-" + (SIZE - 1),
            "bytes=1000-" + (SIZE - 1),
            "bytes=1500-" + (SIZE - 1),
            "bytes=1500-" + (SIZE - 1));
  }

  @Test
  void aReadSurvivesResetsAndStallsWithoutReadingTwice() {
    proxy.plan("GET", new Fault.Reset(HALF), new Fault.Stall(1000));
    read(new RetryingShardStore(hastily(), FAST));
    assertThat(target).isEqualTo(BYTES);
    List<String> ranges = ranges();
    assertThat(ranges).hasSize(3);
    long second = begin(ranges.get(1));
    assertThat(second).isBetween(1L, (long) HALF);
    assertThat(begin(ranges.get(2))).isEqualTo(second + 1000);
  }

  @Test
  void aBurstOfRefusalsIsSurvivedButNotAnEndlessOne() {
    Fault slowDown = new Fault.Refuse(503, "SlowDown");
    proxy.plan("GET", slowDown, slowDown, slowDown);
    read(retrying);
    assertThat(target).isEqualTo(BYTES);
    proxy.clear();
    proxy.plan("GET", slowDown, slowDown, slowDown, slowDown, slowDown);
    TransientStorageException e = transientFailure(() -> read(retrying));
    assertThat(e).hasMessageContaining("gave up after 4 tries");
    assertThat(proxy.seen()).hasSize(4);
  }

  @Test
  void listingsAndHeadsAndDeletesAreRepeated() {
    Fault slowDown = new Fault.Refuse(503, "SlowDown");
    proxy.plan("GET", slowDown);
    int[] count = new int[1];
    retrying.list(key, info -> count[0]++);
    assertThat(count[0]).isEqualTo(1);
    proxy.plan("HEAD", slowDown);
    assertThat(retrying.head(key).size()).isEqualTo(SIZE);
    proxy.plan("DELETE", new Fault.LoseAnswer());
    retrying.delete(key);
    assertThat(failure(() -> store.head(key)).kind()).isEqualTo(ErrorKind.MISSING);
  }

  // ---- writing

  @Test
  void aWriteWhoseAnswerIsLostIsTransient() {
    proxy.plan("PUT", new Fault.LoseAnswer());
    TransientStorageException e = transientFailure(() -> put(store, key + "-lost", "mine"));
    assertThat(e.transferred()).isZero();
    assertThat(store.head(key + "-lost").size()).as("it was stored all the same").isEqualTo(4);
  }

  @Test
  void whoseAnswerIsLostLearnsFromTheRetryThatItWon() {
    proxy.plan("PUT", new Fault.LoseAnswer());
    assertThat(put(retrying, key + "-lost", "mine")).isTrue();
    assertThat(put(retrying, key + "-lost", "mine")).as("a second writer").isFalse();
  }

  @Test
  void whoLostTheRaceLearnsItThoughAnAnswerWasLost() {
    put(store, key + "-taken", "other");
    proxy.plan("PUT", new Fault.LoseAnswer());
    assertThat(put(retrying, key + "-taken", "mine!")).isFalse();
    proxy.plan("PUT", new Fault.LoseAnswer());
    assertThat(put(retrying, key + "-taken", "shorter")).isFalse();
  }

  @Test
  void theRetriesOfTheSdkTellTheTruthToo() {
    ShardStore sdkRetries = new S3ShardStore(twice, S3Fixture.server().bucket(), "");
    proxy.plan("PUT", new Fault.Refuse(503, "SlowDown"));
    assertThat(put(sdkRetries, key + "-busy", "mine")).isTrue();
    proxy.plan("PUT", new Fault.LoseAnswer());
    assertThat(put(sdkRetries, key + "-lost", "mine")).isTrue();
    proxy.plan("PUT", new Fault.LoseAnswer());
    assertThat(put(sdkRetries, key + "-lost", "other")).isFalse();
    assertThat(put(sdkRetries, key + "-lost", "mine")).as("not sent twice").isFalse();
  }

  @Test
  void aConditionalConflictIsRepeated() {
    proxy.plan("PUT", new Fault.Refuse(409, "ConditionalRequestConflict"));
    assertThat(failure(() -> put(store, key + "-409", "mine")).kind())
        .isEqualTo(ErrorKind.TRANSIENT);
    proxy.plan("PUT", new Fault.Refuse(409, "ConditionalRequestConflict"));
    assertThat(put(retrying, key + "-409", "mine")).isTrue();
  }

  // ---- tools

  private static ShardStore hastily() {
    return new S3ShardStore(hasty, S3Fixture.server().bucket(), "");
  }

  private static boolean put(ShardStore into, String key, String text) {
    return into.putIfAbsent(key, MemorySegment.ofArray(text.getBytes(StandardCharsets.UTF_8)));
  }

  private void read(ShardStore from) {
    from.read(key, Optional.empty(), new ByteRange(0, SIZE), MemorySegment.ofArray(target));
  }

  private static List<String> ranges() {
    return proxy.seen().stream().map(FaultyProxy.Request::range).toList();
  }

  private static long begin(String range) {
    return Long.parseLong(range.substring("bytes=".length(), range.indexOf('-')));
  }

  private static StorageException failure(Runnable call) {
    StorageException e = catchThrowableOfType(StorageException.class, call::run);
    assertThat(e).as("a StorageException").isNotNull();
    return e;
  }

  private static TransientStorageException transientFailure(Runnable call) {
    StorageException e = failure(call);
    assertThat(e).isInstanceOf(TransientStorageException.class);
    return (TransientStorageException) e;
  }
}
