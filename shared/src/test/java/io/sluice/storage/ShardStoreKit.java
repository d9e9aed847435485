package io.sluice.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.model.ByteRange;
import io.sluice.model.ErrorKind;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What every {@link ShardStore} must do. An adapter's test extends this class, hands out its store,
 * and says by the overridable flags what its server or file system cannot do. What can be done to
 * the server, so that the store has to bear it, is in {@link ShardStoreTroubleKit}.
 *
 * <p>Every test works below a prefix of its own, so one store may serve all of them.
 */
public abstract class ShardStoreKit extends ShardStoreTroubleKit {
  protected static final int CHUNK = 8 << 20;

  /** Whether keys beyond ASCII can be stored. */
  protected boolean unicodeKeys() {
    return true;
  }

  /** The longest part of a key between slashes that the server behind the store takes. */
  protected int longestSegment() {
    return ObjectKeys.MAX_SEGMENT;
  }

  /** How many objects the long listing has: more than a page of the store. */
  protected int manyObjects() {
    return 1050;
  }

  // ---- round trips

  @ParameterizedTest
  @ValueSource(ints = {0, 1, CHUNK - 1, CHUNK, CHUNK + 1})
  void whatWasPutIsRead(int size) {
    byte[] bytes = random(size);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment source = arena.allocate(size).copyFrom(MemorySegment.ofArray(bytes));
      assertThat(store().putIfAbsent(base + "native", source)).isTrue();
      MemorySegment target = arena.allocate(size);
      store().read(base + "native", Optional.empty(), new ByteRange(0, size), target);
      assertThat(target.mismatch(source)).isEqualTo(-1);
    }
    assertThat(store().putIfAbsent(base + "heap", MemorySegment.ofArray(bytes))).isTrue();
    byte[] heap = new byte[size];
    store()
        .read(base + "heap", Optional.empty(), new ByteRange(0, size), MemorySegment.ofArray(heap));
    assertThat(Arrays.equals(heap, bytes)).isTrue();
    assertThat(store().head(base + "heap").size()).isEqualTo(size);
  }

  @Test
  void anyKindOfMemoryIsReadAndWritten() {
    byte[] bytes = random(4096);
    long[] longs = new long[512];
    MemorySegment.ofArray(longs).copyFrom(MemorySegment.ofArray(bytes));
    store().putIfAbsent(base + "longs", MemorySegment.ofArray(longs));
    float[] floats = new float[1024];
    store()
        .read(
            base + "longs",
            Optional.empty(),
            new ByteRange(0, 4096),
            MemorySegment.ofArray(floats));
    assertThat(MemorySegment.ofArray(floats).mismatch(MemorySegment.ofArray(bytes))).isEqualTo(-1);

    MemorySegment slice = MemorySegment.ofArray(bytes).asSlice(100, 200).asReadOnly();
    store().putIfAbsent(base + "slice", slice);
    assertThat(read(base + "slice")).isEqualTo(Arrays.copyOfRange(bytes, 100, 300));
  }

  @Test
  void headTellsSizeAgeAndEtag() {
    Instant before = Instant.now().minus(Duration.ofMinutes(1));
    put(base + "object", random(77));
    ObjectInfo info = store().head(base + "object");
    assertThat(info.key()).isEqualTo(base + "object");
    assertThat(info.size()).isEqualTo(77);
    assertThat(info.etag()).isNotBlank();
    assertThat(info.lastModified()).isBetween(before, Instant.now().plus(Duration.ofMinutes(1)));
    assertThat(store().head(base + "object")).isEqualTo(info);
  }

  // ---- ranges

  @Test
  void everyRangeIsReadExactlyAndNothingBesideIt() {
    int size = 3 * (64 << 10) + 7;
    byte[] bytes = random(size);
    put(base + "object", bytes);
    int[] edges = {0, 1, 4095, 4096, (64 << 10) - 1, 64 << 10, (64 << 10) + 1, size - 1, size};
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment target = arena.allocate(size + 64);
      for (int begin : edges) {
        for (int end : edges) {
          if (begin <= end) {
            target.fill((byte) 0x5a);
            store()
                .read(
                    base + "object",
                    Optional.empty(),
                    ByteRange.between(begin, end),
                    target.asSlice(32));
            int length = end - begin;
            byte[] all = target.toArray(ValueLayout.JAVA_BYTE);
            assertThat(Arrays.mismatch(all, 32, 32 + length, bytes, begin, end)).isEqualTo(-1);
            assertThat(IntStream.range(0, all.length).filter(i -> i < 32 || i >= 32 + length))
                .as("bytes beside [%d, %d)", begin, end)
                .allMatch(i -> all[i] == 0x5a);
          }
        }
      }
    }
  }

  @Test
  void whoObservesAReadIsToldWhatIsInPlaceAndAtTheEndAll() {
    byte[] bytes = random(CHUNK + 1);
    put(base + "object", bytes);
    String etag = store().head(base + "object").etag();
    ByteRange range = ByteRange.between(1, bytes.length);
    byte[] target = new byte[CHUNK];
    List<Long> told = new ArrayList<>();
    store()
        .read(
            base + "object",
            Optional.empty(),
            range,
            MemorySegment.ofArray(target),
            new ReadObserver() {
              @Override
              public void answered(String given) {
                assertThat(given).isEqualTo(etag);
                assertThat(told).as("told before its answer").isEmpty();
              }

              @Override
              public void received(long came) {
                int before = told.isEmpty() ? 0 : Math.toIntExact(told.getLast());
                assertThat(came).isBetween((long) before, range.length());
                assertThat(
                        Arrays.mismatch(
                            target, before, (int) came, bytes, before + 1, (int) came + 1))
                    .isEqualTo(-1);
                told.add(came);
              }
            });
    assertThat(told).last().isEqualTo(range.length());
  }

  @Test
  void whatAnObserverThrowsEndsTheRead() {
    put(base + "object", random(100));
    IllegalStateException refusal = new IllegalStateException("enough");
    assertThatThrownBy(
            () ->
                store()
                    .read(
                        base + "object",
                        Optional.empty(),
                        new ByteRange(0, 100),
                        MemorySegment.ofArray(new byte[100]),
                        new ReadObserver() {
                          @Override
                          public void received(long came) {
                            throw refusal;
                          }
                        }))
        .isSameAs(refusal);
  }

  @Test
  void aRangePastTheObjectIsInvalid() {
    put(base + "object", random(100));
    put(base + "empty", new byte[0]);
    List<Map.Entry<String, ByteRange>> wrong =
        List.of(
            Map.entry(base + "object", new ByteRange(0, 101)),
            Map.entry(base + "object", new ByteRange(99, 2)),
            Map.entry(base + "object", new ByteRange(100, 1)),
            Map.entry(base + "object", new ByteRange(1L << 40, 1)),
            Map.entry(base + "empty", new ByteRange(0, 1)));
    for (Map.Entry<String, ByteRange> one : wrong) {
      byte[] target = new byte[200];
      StorageException e =
          failure(
              () ->
                  store()
                      .read(
                          one.getKey(),
                          Optional.empty(),
                          one.getValue(),
                          MemorySegment.ofArray(target)));
      assertThat(e.kind()).as("%s", one).isEqualTo(ErrorKind.INVALID);
      assertThat(e.code()).isEqualTo("range-invalid");
      assertThat(e.key()).isEqualTo(one.getKey());
    }
  }

  @Test
  void aTargetThatCannotTakeTheRangeIsInvalid() {
    put(base + "object", random(100));
    ByteRange range = new ByteRange(0, 100);
    StorageException small =
        failure(
            () ->
                store()
                    .read(
                        base + "object",
                        Optional.empty(),
                        range,
                        MemorySegment.ofArray(new byte[99])));
    assertThat(small.code()).isEqualTo("target-too-small");
    assertThat(small.kind()).isEqualTo(ErrorKind.INVALID);
    StorageException readOnly =
        failure(
            () ->
                store()
                    .read(
                        base + "object",
                        Optional.empty(),
                        range,
                        MemorySegment.ofArray(new byte[100]).asReadOnly()));
    assertThat(readOnly.code()).isEqualTo("target-read-only");
  }

  // ---- missing and changed

  @Test
  void aMissingObjectIsMissing() {
    String key = base + "missing";
    byte[] target = new byte[1];
    List<StorageException> failures =
        List.of(
            failure(() -> store().head(key)),
            failure(
                () ->
                    store()
                        .read(
                            key,
                            Optional.empty(),
                            new ByteRange(0, 1),
                            MemorySegment.ofArray(target))));
    assertThat(failures)
        .allSatisfy(
            e -> {
              assertThat(e.kind()).isEqualTo(ErrorKind.MISSING);
              assertThat(e.code()).isEqualTo("object-missing");
              assertThat(e.key()).isEqualTo(key);
            });
  }

  @Test
  void thePinnedEtagHolds() {
    String key = base + "object";
    put(key, random(1000));
    String etag = store().head(key).etag();
    byte[] target = new byte[10];
    ByteRange range = new ByteRange(5, 10);
    store().read(key, Optional.of(etag), range, MemorySegment.ofArray(target));

    StorageException wrong =
        failure(
            () -> store().read(key, Optional.of("\"beef\""), range, MemorySegment.ofArray(target)));
    assertThat(wrong.kind()).isEqualTo(ErrorKind.CONFLICT);
    assertThat(wrong.code()).isEqualTo("object-changed");

    store().delete(key);
    put(key, random(1001));
    StorageException replaced =
        failure(() -> store().read(key, Optional.of(etag), range, MemorySegment.ofArray(target)));
    assertThat(replaced.kind()).isEqualTo(ErrorKind.CONFLICT);
    assertThat(replaced.key()).isEqualTo(key);
  }

  // ---- writing

  @Test
  void aTakenKeyIsNotOverwritten() {
    byte[] first = random(10);
    put(base + "object", first);
    assertThat(store().putIfAbsent(base + "object", MemorySegment.ofArray(random(20)))).isFalse();
    assertThat(store().putIfAbsent(base + "object", MemorySegment.ofArray(first))).isFalse();
    assertThat(read(base + "object")).isEqualTo(first);
  }

  @Test
  void ofManyWritersOneWinsAndNobodySeesHalf() throws Exception {
    int writers = 32;
    int size = 300_000;
    String key = base + "raced";
    CountDownLatch start = new CountDownLatch(1);
    CountDownLatch done = new CountDownLatch(writers);
    List<Future<Boolean>> puts = new ArrayList<>();
    List<Future<Integer>> reads = new ArrayList<>();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int writer = 0; writer < writers; writer++) {
        byte[] bytes = new byte[size];
        Arrays.fill(bytes, (byte) writer);
        puts.add(
            threads.submit(
                () -> {
                  start.await();
                  try {
                    return store().putIfAbsent(key, MemorySegment.ofArray(bytes));
                  } finally {
                    done.countDown();
                  }
                }));
      }
      for (int reader = 0; reader < 2; reader++) {
        reads.add(threads.submit(() -> watch(key, size, start, done)));
      }
      start.countDown();
    }
    List<Integer> winners = new ArrayList<>();
    for (int writer = 0; writer < writers; writer++) {
      if (puts.get(writer).get()) {
        winners.add(writer);
      }
    }
    assertThat(winners).hasSize(1);
    byte[] stored = read(key);
    assertUniform(stored);
    assertThat(stored).hasSize(size).startsWith(winners.getFirst());
    for (Future<Integer> seen : reads) {
      assertThat(seen.get()).isIn(-1, winners.getFirst());
    }
  }

  /** Reads until all writers are done; every look must find nothing or one writer's bytes. */
  private int watch(String key, int size, CountDownLatch start, CountDownLatch done)
      throws InterruptedException {
    start.await();
    int seen = -1;
    while (done.getCount() > 0) {
      try {
        ObjectInfo info = store().head(key);
        assertThat(info.size()).isEqualTo(size);
        byte[] bytes = read(key);
        assertUniform(bytes);
        assertThat(seen).isIn(-1, (int) bytes[0]);
        seen = bytes[0];
      } catch (StorageException e) {
        assertThat(e.kind()).isEqualTo(ErrorKind.MISSING);
        assertThat(seen).as("an object that was there is gone").isEqualTo(-1);
      }
      Thread.sleep(1);
    }
    return seen;
  }

  private static void assertUniform(byte[] bytes) {
    byte[] expected = new byte[bytes.length];
    Arrays.fill(expected, bytes[0]);
    assertThat(Arrays.mismatch(bytes, expected)).as("where two writers' bytes meet").isEqualTo(-1);
  }

  @Test
  void deletingIsIdempotent() {
    store().delete(base + "never");
    put(base + "object", random(5));
    store().delete(base + "object");
    store().delete(base + "object");
    assertThat(failure(() -> store().head(base + "object")).kind()).isEqualTo(ErrorKind.MISSING);
    assertThat(store().putIfAbsent(base + "object", MemorySegment.ofArray(random(6)))).isTrue();
    assertThat(store().head(base + "object").size()).isEqualTo(6);
  }

  // ---- listing

  @Test
  void aLongListingIsWholeAndExact() throws Exception {
    int count = manyObjects();
    parallel(
        count,
        i -> {
          put(base + "many/" + (i % 7) + "/" + i, new byte[1 + i % 3]);
          return null;
        });
    put(base + "many-other", new byte[9]);

    Map<String, ObjectInfo> all = list(base + "many/");
    assertThat(all).hasSize(count);
    assertThat(all.get(base + "many/5/5").size()).isEqualTo(3);
    assertThat(all.get(base + "many/5/5").etag()).isEqualTo(store().head(base + "many/5/5").etag());
    assertThat(list(base + "many/3/"))
        .hasSize((int) IntStream.range(0, count).filter(i -> i % 7 == 3).count());
    assertThat(list(base + "many")).hasSize(count + 1);
    assertThat(list(base + "many/3/10").keySet())
        .isEqualTo(
            IntStream.range(0, count)
                .filter(i -> i % 7 == 3 && ("" + i).startsWith("10"))
                .mapToObj(i -> base + "many/3/" + i)
                .collect(Collectors.toSet()));
    assertThat(list(base + "none/")).isEmpty();
    assertThat(list(base + "many/3")).hasSameSizeAs(list(base + "many/3/"));
  }

  // ---- keys

  @Test
  void oddKeysAreKeys() {
    List<String> keys =
        new ArrayList<>(
            List.of(
                "with space",
                " leading and trailing ",
                "plus+percent%41%2Fhash#question?and&is=semi;colon:comma,",
                "quote'double\"less<more>pipe|star*",
                "(brackets)[square]{curly}~tilde`tick^caret$dollar@at!",
                ".hidden",
                "..two",
                "three...",
                "a.b/c.d/e",
                "x".repeat(longestSegment())));
    if (unicodeKeys()) {
      keys.addAll(List.of("größe-é", "模型/重み", "emoji-\uD83D\uDE80"));
    }
    for (String odd : keys) {
      byte[] bytes = odd.getBytes(StandardCharsets.UTF_8);
      assertThat(store().putIfAbsent(base + odd, MemorySegment.ofArray(bytes))).isTrue();
      assertThat(read(base + odd)).as(odd).isEqualTo(bytes);
    }
    assertThat(list(base).keySet())
        .containsExactlyInAnyOrderElementsOf(keys.stream().map(key -> base + key).toList());
    for (String odd : keys) {
      store().delete(base + odd);
    }
    assertThat(list(base)).isEmpty();
  }

  @Test
  void badKeysAreRefusedEverywhere() {
    List<String> keys =
        List.of(
            "",
            "/absolute",
            "a/../b",
            "..",
            "../outside",
            "a/..",
            "./a",
            "a//b",
            "a/",
            "nul\0byte",
            "line\nbreak",
            "back\\slash",
            "half\uD83D",
            "y".repeat(ObjectKeys.MAX_SEGMENT + 1),
            "z/".repeat(512) + "z");
    MemorySegment one = MemorySegment.ofArray(new byte[1]);
    for (String bad : keys) {
      List<StorageException> failures =
          List.of(
              failure(() -> store().head(bad)),
              failure(() -> store().read(bad, Optional.empty(), new ByteRange(0, 1), one)),
              failure(() -> store().putIfAbsent(bad, one)),
              failure(() -> store().delete(bad)));
      assertThat(failures)
          .as(bad)
          .allSatisfy(
              e -> {
                assertThat(e.code()).isEqualTo("key-invalid");
                assertThat(e.kind()).isEqualTo(ErrorKind.INVALID);
                assertThat(e.getMessage()).doesNotContain("\0", "\n");
              });
    }
    assertThatThrownBy(() -> list("../")).isInstanceOf(StorageException.class);
  }

  // ---- concurrency

  @Test
  void manyThreadsReadAtOnce() throws Exception {
    byte[] bytes = random(1 << 20);
    put(base + "shared", bytes);
    String etag = store().head(base + "shared").etag();
    parallel(
        200,
        i -> {
          int begin = (i * 7919) % (bytes.length - 5000);
          byte[] part = new byte[5000];
          store()
              .read(
                  base + "shared",
                  Optional.of(etag),
                  new ByteRange(begin, part.length),
                  MemorySegment.ofArray(part));
          assertThat(part).isEqualTo(Arrays.copyOfRange(bytes, begin, begin + 5000));
          return null;
        });
  }
}
