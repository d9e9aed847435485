package io.sluice.pull;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.manifest.ModelManifest;
import io.sluice.model.ByteRange;
import io.sluice.model.ContentHasher;
import io.sluice.model.Crc32c;
import io.sluice.model.Digest;
import io.sluice.model.ErrorKind;
import io.sluice.model.Keys;
import io.sluice.model.ShardDescriptor;
import io.sluice.model.SluiceException;
import io.sluice.storage.ObjectInfo;
import io.sluice.storage.ReadObserver;
import io.sluice.storage.ShardReader;
import io.sluice.storage.ShardStore;
import io.sluice.storage.file.FileShardStore;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ModelPullTest {
  private static final int PARALLELISM = 3;
  private static final int CHUNK = 1_000;

  @TempDir Path temp;

  private final LongAdder progress = new LongAdder();
  private Path objects;
  private ShardStore store;
  private Path out;
  private Path target;

  @BeforeEach
  void start() throws IOException {
    objects = Files.createDirectories(temp.resolve("store"));
    store = new FileShardStore(objects);
    out = Files.createDirectories(temp.resolve("out"));
    target = out.resolve("model");
  }

  @AfterEach
  void stop() {
    store.close();
  }

  private void pull(ShardReader reader, ModelManifest manifest, boolean force)
      throws InterruptedException {
    new ModelPull(reader, PARALLELISM, 2).pull(manifest, target, force, progress::add);
  }

  private static Map<String, byte[]> read(Path folder) throws IOException {
    Map<String, byte[]> files = new TreeMap<>();
    try (Stream<Path> walk = Files.walk(folder)) {
      for (Path file : walk.filter(Files::isRegularFile).toList()) {
        files.put(folder.relativize(file).toString(), Files.readAllBytes(file));
      }
    }
    return files;
  }

  private static void assertSame(Map<String, byte[]> actual, Map<String, byte[]> expected) {
    assertThat(actual.keySet()).containsExactlyInAnyOrderElementsOf(expected.keySet());
    expected.forEach((path, bytes) -> assertThat(actual.get(path)).as(path).isEqualTo(bytes));
  }

  private static SluiceException failure(
      org.assertj.core.api.ThrowableAssert.ThrowingCallable body) {
    AtomicReference<SluiceException> thrown = new AtomicReference<>();
    assertThatThrownBy(body).isInstanceOfSatisfying(SluiceException.class, thrown::set);
    return thrown.get();
  }

  private void assertNothingIsLeft() throws IOException {
    try (Stream<Path> left = Files.list(out)) {
      assertThat(left).isEmpty();
    }
  }

  private void damage(String key, int at) throws IOException {
    Path file = objects.resolve(key);
    byte[] bytes = Files.readAllBytes(file);
    bytes[at] ^= 1;
    Files.delete(file);
    Files.write(file, bytes);
  }

  @ParameterizedTest
  @CsvSource({"1, 1000", "2, 1000", "3, 64", "4, 100000", "5, 777", "6, 1"})
  void everyFileIsWhatItWas(long seed, int chunk) throws Exception {
    StoredModel model = StoredModel.write(store, seed, chunk);
    pull(store, model.manifest(), false);
    assertSame(read(target), model.files());
    assertThat(progress.sum()).isEqualTo(ModelPull.bytes(model.manifest()));
  }

  @ParameterizedTest
  @CsvSource({"1, 1000", "2, 1000", "3, 64", "4, 100000", "5, 777", "6, 1"})
  void withoutDigestsOfFilesEveryFileIsWhatItWasToo(long seed, int chunk) throws Exception {
    StoredModel model = StoredModel.write(store, seed, chunk).withChecksums();
    pull(store, model.manifest(), false);
    assertSame(read(target), model.files());
    assertThat(progress.sum()).isEqualTo(ModelPull.bytes(model.manifest()));
  }

  /** Whoever can make the checksums fit cannot make the SHA-256 fit. */
  @Test
  void withoutDigestsOfFilesThoseOfTheObjectsHold() throws Exception {
    StoredModel model = StoredModel.write(store, 1, CHUNK).withChecksums();
    ShardDescriptor shard = model.manifest().shards().get(2);
    ModelManifest.Tensor tensor =
        model.manifest().tensors().stream()
            .filter(t -> !t.pieces().isEmpty() && t.pieces().getFirst().shard() == 2)
            .findFirst()
            .orElseThrow();
    int at = Math.toIntExact(tensor.pieces().getFirst().offset());
    damage(Keys.shard(shard.digest()), at);
    byte[] wrong = model.shards().get(2).clone();
    wrong[at] ^= 1;
    ContentHasher hasher = new ContentHasher(wrong.length, CHUNK);
    hasher.update(MemorySegment.ofArray(wrong));
    List<ShardDescriptor> shards = new ArrayList<>(model.manifest().shards());
    shards.set(2, new ShardDescriptor(shard.digest(), hasher.finish().checksums()));
    List<ModelManifest.File> files = new ArrayList<>(model.manifest().files());
    ModelManifest.File file = files.get(tensor.file());
    byte[] content = model.files().get(file.path()).clone();
    content[(int) tensor.fileOffset()] ^= 1;
    files.set(
        tensor.file(),
        new ModelManifest.File(
            file.path(),
            file.size(),
            Optional.empty(),
            OptionalInt.of(Crc32c.of(MemorySegment.ofArray(content))),
            file.format(),
            file.skeleton()));
    ModelManifest forged =
        ModelManifest.of(model.manifest().plan(), files, model.manifest().tensors(), shards);

    SluiceException error = failure(() -> pull(store, forged, false));

    assertThat(error.kind()).isEqualTo(ErrorKind.CORRUPT);
    assertThat(error.code()).isEqualTo("shard-corrupt");
    assertThat(error).hasMessageContaining("'" + Keys.shard(shard.digest()) + "'");
    assertNothingIsLeft();
  }

  @Test
  void aFileThatWasPutTogetherInAnotherWayIsRefused() throws Exception {
    StoredModel model = StoredModel.write(store, 1, CHUNK).withChecksums();
    List<ModelManifest.File> files = new ArrayList<>(model.manifest().files());
    ModelManifest.File file = files.getFirst();
    files.set(
        0,
        new ModelManifest.File(
            file.path(),
            file.size(),
            Optional.empty(),
            OptionalInt.of(~file.crc32c().getAsInt()),
            file.format(),
            file.skeleton()));
    ModelManifest wrong =
        ModelManifest.of(
            model.manifest().plan(), files, model.manifest().tensors(), model.manifest().shards());

    SluiceException error = failure(() -> pull(store, wrong, false));

    assertThat(error.code()).isEqualTo("file-corrupt");
    assertThat(error).hasMessageContaining("'" + file.path() + "'").hasMessageContaining("CRC32C");
    assertNothingIsLeft();
  }

  @Test
  void chunksLargerThanABlockAreReadInParts() throws Exception {
    byte[] content = new byte[2 * ModelPull.BLOCK + 12_345];
    new java.util.Random(9).nextBytes(content);
    io.sluice.model.ContentHasher hasher =
        new io.sluice.model.ContentHasher(content.length, 1 << 30);
    hasher.update(MemorySegment.ofArray(content));
    var skeleton = hasher.finish();
    store.putIfAbsent(Keys.skeleton(skeleton.digest()), MemorySegment.ofArray(content));
    ModelManifest manifest =
        ModelManifest.of(
            new ModelManifest.Plan("size", 1, 1 << 30),
            List.of(
                new ModelManifest.File(
                    "f", content.length, Digest.sha256(content), "OPAQUE", Optional.of(skeleton))),
            List.of(),
            List.of());
    pull(store, manifest, false);
    assertSame(read(target), Map.of("f", content));
  }

  @Test
  void aDamagedChunkIsNamedAndNothingIsLeft() throws Exception {
    StoredModel model = StoredModel.write(store, 1, CHUNK);
    String key = Keys.shard(model.manifest().shards().get(2).digest());
    damage(key, 2 * CHUNK + 17);

    SluiceException error = failure(() -> pull(store, model.manifest(), false));

    assertThat(error.kind()).isEqualTo(ErrorKind.CORRUPT);
    assertThat(error.code()).isEqualTo("shard-corrupt");
    assertThat(error).hasMessageContaining("chunk 2 of '" + key + "'");
    assertNothingIsLeft();
  }

  @Test
  void aMissingShardIsNamedAndNothingIsLeft() throws Exception {
    StoredModel model = StoredModel.write(store, 1, CHUNK);
    String key = Keys.shard(model.manifest().shards().get(4).digest());
    Files.delete(objects.resolve(key));

    SluiceException error = failure(() -> pull(store, model.manifest(), false));

    assertThat(error.kind()).isEqualTo(ErrorKind.MISSING);
    assertThat(error).hasMessageContaining(key);
    assertNothingIsLeft();
  }

  @Test
  void aFileWithAnotherDigestIsRefused() throws Exception {
    StoredModel model = StoredModel.write(store, 1, CHUNK);
    List<ModelManifest.File> files = new ArrayList<>(model.manifest().files());
    ModelManifest.File file = files.getFirst();
    files.set(
        0,
        new ModelManifest.File(
            file.path(), file.size(), Digest.sha256(new byte[0]), file.format(), file.skeleton()));
    ModelManifest wrong =
        ModelManifest.of(
            model.manifest().plan(), files, model.manifest().tensors(), model.manifest().shards());

    SluiceException error = failure(() -> pull(store, wrong, false));

    assertThat(error.kind()).isEqualTo(ErrorKind.CORRUPT);
    assertThat(error.code()).isEqualTo("file-corrupt");
    assertThat(error).hasMessageContaining("'" + file.path() + "'");
    assertNothingIsLeft();
  }

  @Test
  void bytesThatWereWrongOnTheirWayAreReadAgain() throws Exception {
    StoredModel model = StoredModel.write(store, 3, CHUNK);
    Set<String> seen = ConcurrentHashMap.newKeySet();
    ShardReader flaky =
        new Watched(store) {
          @Override
          void after(String key, ByteRange range, MemorySegment target) {
            if (seen.add(key + range)) {
              byte was = target.get(ValueLayout.JAVA_BYTE, 0);
              target.set(ValueLayout.JAVA_BYTE, 0, (byte) ~was);
            }
          }
        };
    pull(flaky, model.manifest(), false);
    assertSame(read(target), model.files());
  }

  @Test
  void noMoreReadsAtOnceThanAllowed() throws Exception {
    StoredModel model = StoredModel.write(store, 3, 50);
    AtomicInteger now = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    ShardReader counted =
        new Watched(store) {
          @Override
          void before(String key) {
            most.accumulateAndGet(now.incrementAndGet(), Math::max);
            Thread.yield();
          }

          @Override
          void after(String key, ByteRange range, MemorySegment target) {
            now.decrementAndGet();
          }
        };
    pull(counted, model.manifest(), false);
    assertThat(most.get()).isBetween(1, PARALLELISM);
  }

  @Test
  void aTargetThatHoldsSomethingIsRefusedUnlessForced() throws Exception {
    StoredModel model = StoredModel.write(store, 1, CHUNK);
    Files.createDirectories(target.resolve("a"));
    Files.writeString(target.resolve("a/two.bin"), "old");
    Files.writeString(target.resolve("mine"), "mine");

    SluiceException error = failure(() -> pull(store, model.manifest(), false));
    assertThat(error.kind()).isEqualTo(ErrorKind.CONFLICT);
    assertThat(error.code()).isEqualTo("target-not-empty");
    assertThat(target.resolve("a/two.bin")).hasContent("old");
    assertThat(progress.sum()).as("bytes read").isZero();

    pull(store, model.manifest(), true);
    Map<String, byte[]> expected = new TreeMap<>(model.files());
    expected.put("mine", "mine".getBytes());
    assertSame(read(target), expected);
    try (Stream<Path> beside = Files.list(out)) {
      assertThat(beside).containsExactly(target);
    }
  }

  @Test
  void anEmptyTargetWillDoAndMissingParentsAreMade() throws Exception {
    StoredModel model = StoredModel.write(store, 1, CHUNK);
    Files.createDirectories(target);
    pull(store, model.manifest(), false);
    assertSame(read(target), model.files());

    target = out.resolve("x/y/z");
    pull(store, model.manifest(), false);
    assertSame(read(target), model.files());
  }

  @Test
  void aFileInPlaceOfTheFolderIsRefused() throws Exception {
    StoredModel model = StoredModel.write(store, 1, CHUNK);
    Files.writeString(target, "file");
    assertThat(failure(() -> pull(store, model.manifest(), true)).code())
        .isEqualTo("target-invalid");
    assertThat(target).hasContent("file");
  }

  @Test
  void aLinkInTheTargetLeadsNowhere() throws Exception {
    StoredModel model = StoredModel.write(store, 1, CHUNK);
    Path elsewhere = Files.createDirectories(temp.resolve("elsewhere"));
    Files.createDirectories(target);
    Files.createSymbolicLink(target.resolve("a"), elsewhere);

    SluiceException error = failure(() -> pull(store, model.manifest(), true));

    assertThat(error.code()).isEqualTo("target-blocked");
    try (Stream<Path> there = Files.list(elsewhere)) {
      assertThat(there).isEmpty();
    }
  }

  @Test
  void anInterruptLeavesNothing() throws Exception {
    StoredModel model = StoredModel.write(store, 1, CHUNK);
    CountDownLatch reading = new CountDownLatch(1);
    ShardReader slow =
        new Watched(store) {
          @Override
          void before(String key) {
            reading.countDown();
            try {
              Thread.sleep(60_000);
            } catch (InterruptedException e) {
              throw new IllegalStateException(e);
            }
          }
        };
    AtomicReference<Throwable> thrown = new AtomicReference<>();
    Thread thread =
        Thread.ofPlatform()
            .start(
                () -> {
                  try {
                    pull(slow, model.manifest(), false);
                  } catch (InterruptedException | RuntimeException e) {
                    thrown.set(e);
                  }
                });
    reading.await();
    thread.interrupt();
    thread.join(20_000);

    assertThat(thread.isAlive()).isFalse();
    assertThat(thrown.get()).isInstanceOf(InterruptedException.class);
    assertNothingIsLeft();
  }

  /** A reader that is looked at. */
  private static class Watched implements ShardReader {
    private final ShardReader reader;

    Watched(ShardReader reader) {
      this.reader = reader;
    }

    void before(String key) {}

    void after(String key, ByteRange range, MemorySegment target) {}

    @Override
    public ObjectInfo head(String key) {
      return reader.head(key);
    }

    @Override
    public void read(
        String key,
        Optional<String> etag,
        ByteRange range,
        MemorySegment target,
        ReadObserver observer) {
      before(key);
      reader.read(key, etag, range, target);
      after(key, range, target);
      observer.received(range.length());
    }
  }
}
