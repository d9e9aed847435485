package io.sluice.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.sluice.model.ByteRange;
import io.sluice.model.ErrorKind;
import io.sluice.storage.FaultyProxy.Fault;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.function.BooleanSupplier;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * What every {@link ShardStore} must bear: a server that is killed and comes back, a disk that is
 * full, a network that is slow, objects of 5 GiB. Each needs something that only the test of the
 * adapter can do; where it says that it cannot, the test is skipped and says why.
 *
 * <p>Tests extend {@link ShardStoreKit}, which is this and the contract.
 */
public abstract class ShardStoreTroubleKit {
  /** About how many bytes {@link #smallStore} has room for. */
  protected static final int SMALL = 32 << 20;

  private static final long LARGE = (5L << 30) + 12_345;
  private static final int AT_ONCE = 4;
  private static final Duration WAIT = Duration.ofSeconds(120);

  /** Never gives up within a test. */
  protected static final RetryPolicy PATIENT =
      new RetryPolicy(100_000, Duration.ofMillis(20), Duration.ofMillis(250), WAIT);

  /** The base of every key of this test. */
  protected final String base = "kit/" + UUID.randomUUID() + "/";

  private final List<AutoCloseable> opened = new ArrayList<>();

  @AfterEach
  final void closeWhatWasOpened() throws Exception {
    for (AutoCloseable each : opened.reversed()) {
      each.close();
    }
  }

  /** Has something closed after the test; what was given last is closed first. */
  protected final <T extends AutoCloseable> T closedAfterwards(T opened) {
    this.opened.add(opened);
    return opened;
  }

  /** The store under test; the same or a new one each time, but always the same objects. */
  protected abstract ShardStore store();

  /** The store without any retries but its own. */
  protected ShardStore adapter() {
    return store();
  }

  /** Whether a server is behind it that can be killed. */
  protected boolean hasServer() {
    return false;
  }

  /** Kills all of the server at once, without giving it time to clean up. */
  protected void kill() throws Exception {
    throw new UnsupportedOperationException();
  }

  /** Starts the killed server with its data at the same address; returns when it serves. */
  protected void restart() throws Exception {
    throw new UnsupportedOperationException();
  }

  /** Whether a killed server may leave what it was writing under this key, and list it. */
  protected boolean leftBehind(String key) {
    return false;
  }

  /** A store of its own with room for about {@link #SMALL} bytes; empty if none can be made. */
  protected Optional<ShardStore> smallStore() throws Exception {
    return Optional.empty();
  }

  /** Whether the server behind {@link #smallStore} says that it is full, or only that it failed. */
  protected boolean tellsThatItIsFull() {
    return true;
  }

  /** Where the server speaks HTTP; empty if it does not. */
  protected Optional<URI> httpEndpoint() {
    return Optional.empty();
  }

  /** The store under test, reached at another address. */
  protected ShardStore storeAt(URI endpoint) {
    throw new UnsupportedOperationException();
  }

  /**
   * Puts an object where the store has its objects, without the bytes going through the store and
   * without taking the room: with holes, see {@link #writeSparse}.
   *
   * @param parts bytes by their offsets; all others are zero
   * @return false if that cannot be done
   */
  protected boolean plant(String key, long size, Map<Long, byte[]> parts) throws IOException {
    return false;
  }

  /** Writes a file with holes. */
  protected static void writeSparse(Path file, long size, Map<Long, byte[]> parts)
      throws IOException {
    Files.createDirectories(file.getParent());
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      for (Map.Entry<Long, byte[]> part : parts.entrySet()) {
        ByteBuffer bytes = ByteBuffer.wrap(part.getValue());
        while (bytes.hasRemaining()) {
          channel.write(bytes, part.getKey() + bytes.position());
        }
      }
    }
    assertThat(Files.size(file)).isEqualTo(size);
  }

  // ---- large objects

  /** Where a store cannot be given holes, this writes 5 GiB: run it by the property named below. */
  @Test
  void anObjectMayHaveFiveGigabytes() throws Exception {
    String key = base + "large";
    Map<Long, byte[]> parts =
        Map.of(
            (1L << 31) - 4, new byte[] {1, 2, 3, 4, 5, 6, 7, 8},
            (1L << 32) - 4, new byte[] {11, 12, 13, 14, 15, 16, 17, 18},
            LARGE - 4, new byte[] {21, 22, 23, 24});
    if (!plant(key, LARGE, parts)) {
      assumeThat(Boolean.getBoolean("sluice.test.large"))
          .as("SKIPPED: this store takes no holes; -Dsluice.test.large=true writes 5 GiB")
          .isTrue();
      putLarge(key, parts);
    }
    ObjectInfo info = store().head(key);
    assertThat(info.size()).isEqualTo(LARGE);
    assertThat(list(base)).containsOnlyKeys(key);
    assertThat(list(base).get(key).size()).isEqualTo(LARGE);
    for (Map.Entry<Long, byte[]> part : parts.entrySet()) {
      byte[] expected = new byte[4 + part.getValue().length];
      System.arraycopy(part.getValue(), 0, expected, 4, part.getValue().length);
      byte[] read = new byte[expected.length];
      store()
          .read(
              key,
              Optional.of(info.etag()),
              new ByteRange(part.getKey() - 4, read.length),
              MemorySegment.ofArray(read));
      assertThat(read).as("from %d", part.getKey() - 4).isEqualTo(expected);
    }
    StorageException past =
        failure(
            () ->
                store()
                    .read(
                        key,
                        Optional.empty(),
                        new ByteRange(LARGE - 1, 2),
                        MemorySegment.ofArray(new byte[2])));
    assertThat(past.code()).isEqualTo("range-invalid");
    store().delete(key);
    assertThat(list(base)).isEmpty();
  }

  private void putLarge(String key, Map<Long, byte[]> parts) throws IOException {
    Path file = Files.createTempDirectory("sluice-large").resolve("object");
    try (Arena arena = Arena.ofShared()) {
      writeSparse(file, LARGE, parts);
      try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
        MemorySegment mapped = channel.map(FileChannel.MapMode.READ_ONLY, 0, LARGE, arena);
        assertThat(store().putIfAbsent(key, mapped)).isTrue();
      }
    } finally {
      Files.deleteIfExists(file);
      Files.deleteIfExists(file.getParent());
    }
  }

  // ---- a server that is killed

  @Test
  void readsOutliveTheServerThatTheyBeganWith() throws Exception {
    assumeThat(hasServer()).as("SKIPPED: there is no server to kill").isTrue();
    ShardStore adapter = adapter();
    byte[] bytes = random(16 << 20);
    String key = base + "object";
    put(key, bytes);
    Failures failures = new Failures();
    ShardStore patient = new RetryingShardStore(new MeteredShardStore(adapter, failures), PATIENT);
    try (Crowd readers =
        new Crowd(
            (reader, number) -> {
              byte[] target = new byte[bytes.length];
              patient.read(
                  key,
                  Optional.empty(),
                  new ByteRange(0, target.length),
                  MemorySegment.ofArray(target));
              assertThat(Arrays.mismatch(target, bytes)).isEqualTo(-1);
            })) {
      readers.awaitOneMoreOfEach();
      kill();
      try {
        assertThat(unavailable(adapter, key)).hasSize(5);
        readers.await("a read that was interrupted", () -> failures.transients.get() > 0);
      } finally {
        restart();
      }
      readers.awaitOneMoreOfEach();
    }
    assertThat(failures.others).as("errors that no retry helps").isEmpty();
  }

  /** Every operation on a store without a server; each has to say that trying again may help. */
  private static List<StorageException> unavailable(ShardStore store, String key) {
    MemorySegment one = MemorySegment.ofArray(new byte[1]);
    List<StorageException> failures =
        List.of(
            failure(() -> store.head(key)),
            failure(() -> store.read(key, Optional.empty(), new ByteRange(0, 1), one)),
            failure(() -> store.putIfAbsent(key + "-new", one)),
            failure(() -> store.delete(key + "-none")),
            failure(() -> store.list(key, info -> {})));
    assertThat(failures)
        .allSatisfy(e -> assertThat(e).isInstanceOf(TransientStorageException.class));
    return failures;
  }

  @Test
  void writesAreWholeOrNotThereWhenTheServerIsKilled() throws Exception {
    assumeThat(hasServer()).as("SKIPPED: there is no server to kill").isTrue();
    ShardStore adapter = adapter();
    Failures failures = new Failures();
    ShardStore patient = new RetryingShardStore(new MeteredShardStore(adapter, failures), PATIENT);
    Set<String> promised = ConcurrentHashMap.newKeySet();
    Set<String> broken = ConcurrentHashMap.newKeySet();
    try (Crowd writers =
        new Crowd(
            (writer, number) -> {
              String key = base + "writes/" + writer + "/" + number;
              MemorySegment bytes = MemorySegment.ofArray(content(key));
              if (writer % 2 == 0) {
                patient.putIfAbsent(key, bytes);
                promised.add(key);
              } else {
                try {
                  assertThat(adapter.putIfAbsent(key, bytes)).isTrue();
                  promised.add(key);
                } catch (TransientStorageException e) {
                  broken.add(key);
                  Thread.sleep(100);
                }
              }
            })) {
      writers.awaitOneMoreOfEach();
      kill();
      try {
        writers.await(
            "writes that were interrupted",
            () -> failures.transients.get() > 0 && !broken.isEmpty());
      } finally {
        restart();
      }
      writers.awaitOneMoreOfEach();
    }
    assertThat(failures.others).as("errors that no retry helps").isEmpty();
    // A server that has just come back may still ask for patience.
    Set<String> stored = list(patient, base + "writes/").keySet();
    stored.removeIf(this::leftBehind);
    assertThat(stored).containsAll(promised);
    for (String key : stored) {
      assertThat(promised.contains(key) || broken.contains(key)).as(key).isTrue();
      assertThat(Arrays.mismatch(read(patient, key), content(key)))
          .as("%s is whole", key)
          .isEqualTo(-1);
    }
    // What was broken is no obstacle: the same write, made again, leaves the whole object.
    for (String key : broken) {
      patient.putIfAbsent(key, MemorySegment.ofArray(content(key)));
      assertThat(Arrays.mismatch(read(patient, key), content(key)))
          .as("%s is whole", key)
          .isEqualTo(-1);
    }
  }

  private static byte[] content(String key) {
    byte[] bytes = new byte[(3 << 20) + 7];
    new Random(key.hashCode()).nextBytes(bytes);
    return bytes;
  }

  /** Counts what an adapter throws. */
  private static final class Failures implements StoreMetrics {
    private final AtomicInteger transients = new AtomicInteger();
    private final Set<ErrorKind> others = ConcurrentHashMap.newKeySet();

    @Override
    public void succeeded(Operation operation, long bytes, long nanos) {}

    @Override
    public void failed(Operation operation, ErrorKind kind, long bytes, long nanos) {
      if (kind == ErrorKind.TRANSIENT) {
        transients.incrementAndGet();
      } else {
        others.add(kind);
      }
    }
  }

  /** What each member of a crowd does over and over. */
  private interface Turn {
    void run(int member, int number) throws Exception;
  }

  /** Threads that do one thing over and over until they are told to stop. */
  private static final class Crowd implements AutoCloseable {
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final AtomicBoolean stop = new AtomicBoolean();
    private final AtomicIntegerArray done = new AtomicIntegerArray(AT_ONCE);
    private final List<Future<?>> members = new ArrayList<>();

    Crowd(Turn turn) {
      for (int i = 0; i < AT_ONCE; i++) {
        int member = i;
        members.add(
            threads.submit(
                () -> {
                  while (!stop.get()) {
                    turn.run(member, done.get(member));
                    done.incrementAndGet(member);
                  }
                  return null;
                }));
      }
    }

    /** Waits until everybody has ended a turn that began after this call. */
    void awaitOneMoreOfEach() throws Exception {
      int[] target = new int[AT_ONCE];
      Arrays.setAll(target, i -> done.get(i) + 2);
      await(
          "a turn of everybody",
          () -> {
            for (int i = 0; i < AT_ONCE; i++) {
              if (done.get(i) < target[i]) {
                return false;
              }
            }
            return true;
          });
    }

    void await(String what, BooleanSupplier condition) throws Exception {
      long deadline = System.nanoTime() + WAIT.toNanos();
      while (!condition.getAsBoolean()) {
        for (Future<?> member : members) {
          if (member.isDone()) {
            member.get();
          }
        }
        assertThat(System.nanoTime()).as("waiting for %s", what).isLessThan(deadline);
        Thread.sleep(5);
      }
    }

    @Override
    public void close() {
      stop.set(true);
      threads.close();
      for (Future<?> member : members) {
        assertThat(member).succeedsWithin(Duration.ZERO);
      }
    }
  }

  // ---- a disk that is full

  @Test
  void aFullStoreSaysSoAndGoesOnWhenThereIsRoom() throws Exception {
    Optional<ShardStore> made = smallStore();
    assumeThat(made).as("SKIPPED: no store with a small disk can be made here").isPresent();
    ShardStore small = made.get();
    byte[] bytes = random(1 << 20);
    List<String> stored = new ArrayList<>();
    StorageException full = null;
    while (full == null) {
      assertThat(stored).as("objects of 1 MiB").hasSizeLessThan(2 * (SMALL >> 20));
      String key = base + "full/" + stored.size();
      try {
        assertThat(small.putIfAbsent(key, MemorySegment.ofArray(bytes))).isTrue();
        stored.add(key);
      } catch (StorageException e) {
        full = e;
      }
    }
    String refused = base + "full/" + stored.size();
    assertThat(full.key()).isEqualTo(refused);
    if (tellsThatItIsFull()) {
      assertThat(full.kind()).isEqualTo(ErrorKind.CAPACITY);
      assertThat(full.code()).isEqualTo("store-full");
    } else {
      assertThat(full.kind()).isEqualTo(ErrorKind.TRANSIENT);
    }
    assertThat(stored).as("objects of 1 MiB").hasSizeGreaterThan((SMALL >> 20) / 4);
    assertThat(list(small, base + "full/").keySet()).containsExactlyInAnyOrderElementsOf(stored);
    for (String key : stored) {
      assertThat(read(small, key)).isEqualTo(bytes);
    }
    stored.subList(0, stored.size() / 2).forEach(small::delete);
    assertThat(small.putIfAbsent(refused, MemorySegment.ofArray(bytes))).isTrue();
    assertThat(read(small, refused)).isEqualTo(bytes);
  }

  // ---- a network that is slow

  @Test
  void requestsInFlightHideLatency() throws Exception {
    Optional<URI> server = httpEndpoint();
    assumeThat(server).as("SKIPPED: the server does not speak HTTP").isPresent();
    int reads = 32;
    Duration delay = Duration.ofMillis(500);
    byte[] bytes = random(1 << 20);
    put(base + "object", bytes);
    try (FaultyProxy proxy = new FaultyProxy(server.get());
        ShardStore slow = storeAt(proxy.endpoint())) {
      Fault[] delays = new Fault[reads];
      Arrays.fill(delays, new Fault.Delay(delay));
      proxy.plan("GET", delays);
      long begin = System.nanoTime();
      try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
        List<Future<byte[]>> parts = new ArrayList<>();
        for (int i = 0; i < reads; i++) {
          ByteRange range = new ByteRange(i * 1000L, 5000);
          parts.add(
              threads.submit(
                  () -> {
                    byte[] part = new byte[5000];
                    slow.read(
                        base + "object", Optional.empty(), range, MemorySegment.ofArray(part));
                    return part;
                  }));
        }
        for (int i = 0; i < reads; i++) {
          assertThat(parts.get(i).get())
              .isEqualTo(Arrays.copyOfRange(bytes, i * 1000, i * 1000 + 5000));
        }
      }
      assertThat(Duration.ofNanos(System.nanoTime() - begin))
          .as("one after another they take %s", delay.multipliedBy(reads))
          .isLessThan(delay.multipliedBy(reads / 2));
    }
  }

  // ---- tools

  /** Bytes that are the same for the same size. */
  protected static byte[] random(int size) {
    byte[] bytes = new byte[size];
    new Random(size).nextBytes(bytes);
    return bytes;
  }

  protected final void put(String key, byte[] bytes) {
    assertThat(store().putIfAbsent(key, MemorySegment.ofArray(bytes))).isTrue();
  }

  protected final byte[] read(String key) {
    return read(store(), key);
  }

  protected static byte[] read(ShardStore store, String key) {
    ObjectInfo info = store.head(key);
    byte[] bytes = new byte[Math.toIntExact(info.size())];
    store.read(
        key,
        Optional.of(info.etag()),
        new ByteRange(0, bytes.length),
        MemorySegment.ofArray(bytes));
    return bytes;
  }

  protected final Map<String, ObjectInfo> list(String prefix) {
    return list(store(), prefix);
  }

  private static Map<String, ObjectInfo> list(ShardStore store, String prefix) {
    Map<String, ObjectInfo> all = new HashMap<>();
    store.list(prefix, info -> assertThat(all.put(info.key(), info)).as("listed twice").isNull());
    return all;
  }

  protected static StorageException failure(ThrowingCallable call) {
    StorageException e = catchThrowableOfType(StorageException.class, call);
    assertThat(e).as("a StorageException").isNotNull();
    return e;
  }

  /** A task of one number. */
  protected interface Task {
    Void run(int i) throws Exception;
  }

  protected static void parallel(int count, Task task) throws Exception {
    Semaphore permits = new Semaphore(16);
    List<Future<Void>> futures = new ArrayList<>();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < count; i++) {
        int number = i;
        Callable<Void> one =
            () -> {
              permits.acquire();
              try {
                return task.run(number);
              } finally {
                permits.release();
              }
            };
        futures.add(threads.submit(one));
      }
    }
    for (Future<Void> future : futures) {
      future.get();
    }
  }
}
