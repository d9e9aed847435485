package io.sluice.storage.gluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.model.ByteRange;
import io.sluice.model.ErrorKind;
import io.sluice.servers.GlusterServer;
import io.sluice.servers.RealServer;
import io.sluice.storage.FileTree;
import io.sluice.storage.RetryPolicy;
import io.sluice.storage.RetryingShardStore;
import io.sluice.storage.ShardStore;
import io.sluice.storage.ShardStoreKit;
import io.sluice.storage.SmallDisk;
import io.sluice.storage.StorageException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** On a real volume of two halves with three replicas each, through libgfapi. */
class GlusterShardStoreTest extends ShardStoreKit {
  private static GlusterServer server;
  private static ShardStore store;

  @BeforeAll
  static void start() {
    RealServer.GLUSTER.assumeThere();
    server = GlusterServer.start();
    store = new GlusterShardStore(settings(server.volume()).below("models"));
  }

  @AfterAll
  static void stop() {
    if (server != null) {
      server.close();
    }
  }

  private static GlusterSettings settings(String volume) {
    return GlusterSettings.of(volume, GlusterSettings.server(server.address()));
  }

  @Override
  protected ShardStore store() {
    return store;
  }

  /** More in each of the kit's folders than are read at a time. */
  @Override
  protected int manyObjects() {
    return 500;
  }

  @Override
  protected boolean hasServer() {
    return true;
  }

  /** What the client has learnt of a file it believes for a second, server or not. */
  @Override
  protected void kill() throws InterruptedException {
    server.kill();
    Thread.sleep(1500);
  }

  @Override
  protected void restart() {
    server.restart();
  }

  @Override
  protected boolean plant(String key, long size, Map<Long, byte[]> parts) throws IOException {
    store.putIfAbsent(base + "beside", MemorySegment.ofArray(new byte[1])); // makes the folder
    store.delete(base + "beside");
    GlusterVolume volume = GlusterVolume.of(settings(server.volume()));
    try (GlusterVolume.Handle file = volume.create("/models/" + key)) {
      for (Map.Entry<Long, byte[]> part : parts.entrySet()) {
        MemorySegment bytes =
            Arena.ofAuto()
                .allocate(part.getValue().length)
                .copyFrom(MemorySegment.ofArray(part.getValue()));
        assertThat(volume.write(file, part.getKey(), bytes)).isEqualTo(bytes.byteSize());
      }
    }
    return true;
  }

  @Override
  protected Optional<ShardStore> smallStore() throws IOException {
    Optional<SmallDisk> disk = SmallDisk.mount(3L * SMALL);
    if (disk.isEmpty()) {
      return Optional.empty();
    }
    closedAfterwards(
        () -> {
          server.remove("small");
          disk.get().close();
        });
    server.create("small", disk.get().folder());
    return Optional.of(new GlusterShardStore(settings("small")));
  }

  // ---- a brick that dies

  @Test
  void readsAndWritesGoOnWhenABrickIsKilled() throws Exception {
    int objects = 12; // so that every brick is the one that some object is read from
    byte[] bytes = random(8 << 20);
    for (int i = 0; i < objects; i++) {
      put(base + "shard-" + i, bytes);
    }
    ShardStore patient = new RetryingShardStore(store(), RetryPolicy.DEFAULT);
    AtomicInteger reads = new AtomicInteger();
    AtomicInteger killedAt = new AtomicInteger(Integer.MAX_VALUE);
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      threads.submit(
          () -> {
            while (reads.get() < 2 * objects) {
              Thread.onSpinWait();
              Thread.sleep(1);
            }
            server.killBrick(2);
            killedAt.set(reads.get());
            return null;
          });
      parallel(
          8,
          reader -> {
            int after = 0;
            while (after < 3) {
              for (int i = 0; i < objects; i++) {
                String key = base + "shard-" + (i + reader) % objects;
                byte[] target = new byte[bytes.length];
                String etag = patient.head(key).etag();
                patient.read(
                    key,
                    Optional.of(etag),
                    new ByteRange(0, target.length),
                    MemorySegment.ofArray(target));
                assertThat(Arrays.mismatch(target, bytes)).isEqualTo(-1);
                reads.incrementAndGet();
              }
              after += reads.get() > killedAt.get() ? 1 : 0;
            }
            return null;
          });
    }
    for (int i = 0; i < objects; i++) {
      put(base + "without-" + i, random(100_000));
    }
    server.startBricks();
    assertThat(list(base)).hasSize(2 * objects);
    for (int i = 0; i < objects; i++) {
      assertThat(read(base + "without-" + i)).isEqualTo(random(100_000));
    }
  }

  @Test
  void withoutItsQuorumTheVolumeIsAwayForTheMoment() throws Exception {
    put(base + "object", random(1000));
    String etag = store().head(base + "object").etag();
    for (int brick = 1; brick <= GlusterServer.BRICKS; brick++) {
      if (brick % 3 != 0) {
        server.killBrick(brick);
      }
    }
    StorageException write =
        failure(() -> store().putIfAbsent(base + "new", MemorySegment.ofArray(random(10))));
    assertThat(write.kind()).isEqualTo(ErrorKind.TRANSIENT);
    server.startBricks();
    ShardStore patient = new RetryingShardStore(store(), PATIENT);
    assertThat(patient.putIfAbsent(base + "new", MemorySegment.ofArray(random(10)))).isTrue();
    assertThat(patient.head(base + "object").etag()).isEqualTo(etag);
    assertThat(read(base + "new")).isEqualTo(random(10));
  }

  @Test
  void nothingIsMissingWhileHalfOfTheVolumeIsAway() throws Exception {
    halfAway(1, 2, 3);
  }

  @Test
  void nothingIsMissingWhileHalfOfTheVolumeIsBelowItsQuorum() throws Exception {
    halfAway(1, 2);
  }

  private void halfAway(int... bricks) throws Exception {
    List<String> keys = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      keys.add(base + "object-" + i);
      put(keys.get(i), random(100 + i));
    }
    assertThat(outcomes(store(), keys)).containsOnly("there");
    ShardStore opened = new GlusterShardStore(withThreads(bricks.length));
    try {
      for (int brick : bricks) {
        server.killBrick(brick);
      }
      Thread.sleep(1500); // what is known of a file is believed for a second
      MemorySegment one = MemorySegment.ofArray(new byte[1]);
      for (ShardStore each : List.of(store(), opened)) {
        for (int round = 0; round < 5; round++) {
          assertThat(outcomes(each, keys)).contains("there", "TRANSIENT").hasSize(2);
        }
        for (int i = 0; i < 5; i++) {
          String none = base + "none-" + i;
          assertThat(failure(() -> each.head(none)).kind()).isEqualTo(ErrorKind.TRANSIENT);
          assertThat(failure(() -> each.delete(none)).kind()).isEqualTo(ErrorKind.TRANSIENT);
          assertThat(failure(() -> each.putIfAbsent(none, one)).kind())
              .isEqualTo(ErrorKind.TRANSIENT);
        }
        assertThat(failure(() -> list(each, base)).kind()).isEqualTo(ErrorKind.TRANSIENT);
      }
    } finally {
      server.startBricks();
    }
    for (ShardStore each : List.of(store(), opened)) {
      ShardStore patient = new RetryingShardStore(each, PATIENT);
      assertThat(outcomes(patient, keys)).containsOnly("there");
      assertThat(failure(() -> patient.head(base + "none-0")).kind()).isEqualTo(ErrorKind.MISSING);
      assertThat(list(patient, base)).containsExactlyInAnyOrderElementsOf(keys);
    }
  }

  /** Who asks for another number of threads gets a connection of their own. */
  private static GlusterSettings withThreads(int threads) {
    GlusterSettings usual = settings(server.volume());
    return new GlusterSettings(
        usual.servers(), usual.volume(), "models", threads, usual.library(), usual.log());
  }

  /** How looking for and reading these objects ends, each way once. */
  private static Set<String> outcomes(ShardStore store, List<String> keys) {
    Set<String> outcomes = new TreeSet<>();
    for (String key : keys) {
      outcomes.add(outcome(() -> store.head(key)));
      MemorySegment target = MemorySegment.ofArray(new byte[100]);
      outcomes.add(outcome(() -> store.read(key, Optional.empty(), new ByteRange(0, 100), target)));
    }
    return outcomes;
  }

  private static String outcome(Runnable work) {
    try {
      work.run();
      return "there";
    } catch (StorageException e) {
      return e.kind().name();
    }
  }

  // ---- the volume

  @Test
  void aMissingVolumeIsNamed() {
    ShardStore wrong = new GlusterShardStore(settings("not-there"));
    StorageException e = failure(() -> wrong.head("object"));
    assertThat(e).hasMessageContaining("'not-there'").hasMessageContaining(server.address());
  }

  @Test
  void aServerThatIsAwayIsTransient() {
    ShardStore wrong =
        new GlusterShardStore(GlusterSettings.of("v1", GlusterSettings.server("127.0.0.1:1")));
    StorageException e = failure(() -> wrong.head("object"));
    assertThat(e.kind()).isEqualTo(ErrorKind.TRANSIENT);
    assertThat(e).hasMessageContaining("127.0.0.1:1");
  }

  // ---- files

  @Test
  void aKeyCannotGoOnBehindAnObject() {
    put(base + "object", random(1));
    MemorySegment one = MemorySegment.ofArray(new byte[1]);
    StorageException behind = failure(() -> store().putIfAbsent(base + "object/more", one));
    assertThat(behind.code()).isEqualTo("key-blocked");
    assertThat(behind).hasMessageContaining("'" + base + "object'");
    assertThat(failure(() -> store().head(base + "object/more")).kind())
        .isEqualTo(ErrorKind.MISSING);
    put(base + "folder/object", random(2));
    assertThat(failure(() -> store().putIfAbsent(base + "folder", one)).code())
        .isEqualTo("key-blocked");
    assertThat(failure(() -> store().head(base + "folder")).kind()).isEqualTo(ErrorKind.MISSING);
    store().delete(base + "folder");
    assertThat(store().head(base + "folder/object").size()).isEqualTo(2);
  }

  @Test
  void nothingIsLeftBehindByWritersThatFinish() {
    ShardStore tidy = new GlusterShardStore(settings(server.volume()).below("tidy"));
    assertThat(tidy.putIfAbsent("object", MemorySegment.ofArray(random(3)))).isTrue();
    assertThat(tidy.putIfAbsent("object", MemorySegment.ofArray(random(4)))).isFalse();
    assertThat(failure(() -> tidy.head(FileTree.TEMP + "/x")).code()).isEqualTo("key-reserved");
    ShardStore all = new GlusterShardStore(settings(server.volume()));
    assertThat(list(all, "tidy/")).containsExactly("tidy/object");
  }

  static List<String> list(ShardStore store, String prefix) {
    List<String> keys = new ArrayList<>();
    store.list(prefix, info -> keys.add(info.key()));
    return keys;
  }
}
