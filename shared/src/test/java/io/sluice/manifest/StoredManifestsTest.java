package io.sluice.manifest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.assertj.core.api.Assertions.tuple;

import io.sluice.manifest.ManifestRepository.Published;
import io.sluice.manifest.ManifestRepository.Rebuilt;
import io.sluice.manifest.ManifestRepository.Removed;
import io.sluice.model.Digest;
import io.sluice.model.ErrorKind;
import io.sluice.model.Keys;
import io.sluice.model.ModelRef;
import io.sluice.model.SluiceException;
import io.sluice.storage.StorageException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class StoredManifestsTest {
  private static final Optional<String> LATEST = Optional.of("latest");
  private static final Optional<Digest> ANY = Optional.empty();

  @TempDir Path root;
  private TestBed bed;
  private StoredManifests manifests;

  @BeforeEach
  void open() {
    bed = new TestBed(root);
    manifests = bed.manifests;
  }

  @AfterEach
  void close() {
    bed.close();
  }

  private Published publish(String name, TestModel model, String tag) {
    model.upload(bed.store);
    return manifests.publish(name, model.manifest(), Optional.of(tag), ANY);
  }

  private Digest resolve(String ref) {
    return manifests.resolve(ModelRef.parse(ref)).version();
  }

  private void refused(ErrorKind kind, String code, Runnable call) {
    SluiceException e = catchThrowableOfType(SluiceException.class, call::run);
    assertThat(e).as(code).isNotNull();
    assertThat(e.code()).isEqualTo(code);
    assertThat(e.kind()).isEqualTo(kind);
  }

  @Test
  void publishesResolvesAndLoads() {
    TestModel model = TestModel.of(1, 2, 3);
    Published published = publish("org/model", model, "latest");
    assertThat(published.version()).isEqualTo(model.version());
    assertThat(published.created()).isTrue();
    assertThat(published.tag().orElseThrow().sequence()).isEqualTo(1);
    assertThat(resolve("org/model")).isEqualTo(model.version());
    assertThat(resolve("org/model:latest")).isEqualTo(model.version());
    assertThat(resolve("org/model@" + model.version())).isEqualTo(model.version());
    StoredManifests other = bed.manifests(bed.store, bed.index);
    assertThat(other.load("org/model", model.version())).isEqualTo(model.manifest());
    assertThat(other.list())
        .singleElement()
        .satisfies(
            summary -> {
              assertThat(summary.name()).isEqualTo("org/model");
              assertThat(summary.tagsOf(model.version())).containsExactly("latest");
              VersionSummary version = summary.versions().getFirst();
              assertThat(version.totalBytes()).isEqualTo(3 * (64 + 320));
              assertThat(version.sourceBytes()).isEqualTo(3 * 320 + 30);
              assertThat(version.shards()).isEqualTo(3);
              assertThat(version.tensors()).isEqualTo(6);
              assertThat(version.files()).isEqualTo(1);
            });
  }

  @Test
  void publishingAgainOnlyMovesTheTag() {
    TestModel one = TestModel.of(1);
    TestModel two = TestModel.of(2);
    publish("m", one, "latest");
    publish("m", two, "latest");
    Published again = publish("m", one, "latest");
    assertThat(again.created()).isFalse();
    assertThat(again.tag().orElseThrow().sequence()).isEqualTo(3);
    assertThat(publish("m", one, "latest").tag()).isEqualTo(again.tag());
    assertThat(manifests.model("m").versions()).hasSize(2);
    assertThat(manifests.history("m", "latest"))
        .extracting(TagMove::sequence, move -> move.target().orElseThrow())
        .containsExactly(
            tuple(3L, one.version()), tuple(2L, two.version()), tuple(1L, one.version()));
  }

  @Test
  void whatIsMissingIsNamed() {
    TestModel model = TestModel.of(1);
    refused(ErrorKind.MISSING, "model-missing", () -> resolve("m"));
    refused(ErrorKind.MISSING, "version-missing", () -> resolve("m@" + model.version()));
    refused(ErrorKind.MISSING, "model-missing", () -> manifests.model("m"));
    refused(ErrorKind.MISSING, "version-missing", () -> manifests.load("m", model.version()));
    publish("m", model, "v1");
    refused(ErrorKind.MISSING, "tag-missing", () -> resolve("m"));
    refused(
        ErrorKind.MISSING,
        "version-missing",
        () -> manifests.tag("m", "x", TestModel.of(9).version(), ANY));
    refused(
        ErrorKind.MISSING, "tag-missing", () -> manifests.remove(ModelRef.parse("m:nope"), true));
    refused(
        ErrorKind.MISSING, "model-missing", () -> manifests.remove(ModelRef.parse("none"), true));
  }

  @Test
  void everyShardMustBeThereInItsSize() throws IOException {
    TestModel model = TestModel.of(1, 2, 3);
    model.upload(bed.store);
    for (String key : model.objects().keySet()) {
      Path file = root.resolve(key);
      byte[] bytes = Files.readAllBytes(file);
      Files.delete(file);
      assertThatThrownBy(() -> manifests.publish("m", model.manifest(), LATEST, ANY))
          .hasMessageContaining(key)
          .isInstanceOfSatisfying(
              ManifestException.class, e -> assertThat(e.code()).isEqualTo("shard-missing"));
      Files.write(file, new byte[bytes.length - 1]);
      assertThatThrownBy(() -> manifests.publish("m", model.manifest(), LATEST, ANY))
          .hasMessageContaining(key)
          .isInstanceOfSatisfying(
              ManifestException.class, e -> assertThat(e.code()).isEqualTo("shard-size-wrong"));
      Files.write(file, bytes);
    }
    refused(ErrorKind.MISSING, "model-missing", () -> resolve("m"));
    assertThat(manifests.list()).isEmpty();
    assertThat(root.resolve("models")).doesNotExist();
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aStoreThatFailsAtAnyCallLeavesTheOldVersionOrTheNewOne(boolean after) {
    TestModel old = TestModel.of(1, 2).upload(bed.store);
    TestModel next = TestModel.of(1, 3).upload(bed.store);
    int failures = 0;
    for (int n = 1; ; n++) {
      String name = "m" + n;
      manifests.publish(name, old.manifest(), LATEST, ANY);
      FaultyStore faulty = new FaultyStore(bed.store, n, after);
      StoredManifests publisher = bed.manifests(faulty, bed.index);
      boolean failed = false;
      try {
        publisher.publish(name, next.manifest(), LATEST, Optional.of(old.version()));
      } catch (StorageException e) {
        assertThat(e.retryable()).isTrue();
        failed = true;
        failures++;
      }
      StoredManifests reader = bed.manifests(bed.store, bed.index);
      Digest seen = reader.resolve(ModelRef.parse(name)).version();
      boolean moved = reader.history(name, "latest").size() == 2;
      assertThat(seen).isEqualTo(moved ? next.version() : old.version());
      assertThat(moved).isEqualTo(seen.equals(next.version()));
      for (Digest version : new TreeSet<>(List.of(old.version(), seen))) {
        ModelManifest manifest = reader.load(name, version);
        assertThat(new Verifier(bed.store, 2).verify(manifest, true).problems()).isEmpty();
        assertThat(reader.model(name).version(version)).isPresent();
      }
      // The same call again, as a retried commit makes it.
      manifests.publish(name, next.manifest(), LATEST, Optional.of(old.version()));
      assertThat(resolve(name)).isEqualTo(next.version());
      assertThat(manifests.history(name, "latest")).hasSize(2);
      if (!failed) {
        assertThat(faulty.failed()).isFalse();
        break;
      }
    }
    // Lookups, two shards, a skeleton, the manifest and its reading, the mark, the tag.
    assertThat(failures).isGreaterThan(9);
  }

  @Test
  void readersSeeTheOldVersionOrTheNewOneNeverHalf() throws Exception {
    List<TestModel> models = IntStream.range(0, 40).mapToObj(i -> TestModel.of(i, i + 1)).toList();
    Map<Digest, Integer> order = new HashMap<>();
    models.forEach(model -> order.put(model.version(), order.size()));
    publish("m", models.getFirst(), "latest");
    AtomicBoolean done = new AtomicBoolean();
    Callable<Integer> reader =
        () -> {
          StoredManifests mine = bed.manifests(bed.store, bed.index);
          Verifier verifier = new Verifier(bed.store, 2);
          int last = 0;
          int changes = 0;
          while (!done.get()) {
            Digest version = mine.resolve(ModelRef.parse("m")).version();
            int seen = order.get(version);
            assertThat(seen).isGreaterThanOrEqualTo(last);
            changes += seen > last ? 1 : 0;
            last = seen;
            assertThat(verifier.verify(mine.load("m", version), true).problems()).isEmpty();
            ModelSummary listed = mine.list().getFirst();
            Digest named = listed.tag("latest").orElseThrow().target().orElseThrow();
            assertThat(listed.version(named)).isPresent();
          }
          return changes;
        };
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Integer>> readers =
          List.of(threads.submit(reader), threads.submit(reader), threads.submit(reader));
      try {
        for (TestModel model : models) {
          publish("m", model, "latest");
        }
      } finally {
        done.set(true);
      }
      for (Future<Integer> each : readers) {
        assertThat(each.get()).isPositive();
      }
    }
  }

  @Test
  void oneOfManyWritersThatExpectTheSameWins() throws Exception {
    TestModel start = TestModel.of(0);
    publish("m", start, "latest");
    List<TestModel> models = IntStream.range(1, 17).mapToObj(TestModel::of).toList();
    models.forEach(model -> publish("m", model, "staging"));
    List<Object> outcomes = race(models, Optional.of(start.version()));
    List<TagMove> won = only(outcomes, TagMove.class);
    List<ManifestException> lost = only(outcomes, ManifestException.class);
    assertThat(won).hasSize(1);
    assertThat(lost).hasSize(15);
    Digest winner = won.getFirst().target().orElseThrow();
    assertThat(lost)
        .allSatisfy(
            e -> {
              assertThat(e.code()).isEqualTo("tag-moved");
              assertThat(e.kind()).isEqualTo(ErrorKind.CONFLICT);
              assertThat(e).hasMessageContaining(start.version().toString());
              assertThat(e).hasMessageContaining(winner.toString());
            });
    assertThat(resolve("m")).isEqualTo(winner);
    assertThat(manifests.history("m", "latest")).hasSize(2);
  }

  @Test
  void everyMoveOfATagHasOneWinner() throws Exception {
    List<TestModel> models = IntStream.range(1, 17).mapToObj(TestModel::of).toList();
    models.forEach(model -> publish("m", model, "staging"));
    List<TagMove> moves = only(race(models, ANY), TagMove.class);
    assertThat(moves).hasSize(16);
    assertThat(moves)
        .extracting(TagMove::sequence)
        .containsExactlyInAnyOrderElementsOf(LongStream.rangeClosed(1, 16).boxed().toList());
    List<TagMove> history = manifests.history("m", "latest");
    assertThat(history).containsExactlyInAnyOrderElementsOf(moves);
    assertThat(resolve("m")).isEqualTo(history.getFirst().target().orElseThrow());
    assertThat(manifests.model("m").tag("latest")).contains(history.getFirst());
  }

  private List<Object> race(List<TestModel> models, Optional<Digest> expected) throws Exception {
    CountDownLatch go = new CountDownLatch(1);
    List<Future<Object>> futures = new ArrayList<>();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (TestModel model : models) {
        futures.add(
            threads.submit(
                () -> {
                  go.await();
                  try {
                    return manifests.tag("m", "latest", model.version(), expected);
                  } catch (ManifestException e) {
                    return e;
                  }
                }));
      }
      go.countDown();
    }
    List<Object> outcomes = new ArrayList<>();
    for (Future<Object> future : futures) {
      outcomes.add(future.get());
    }
    return outcomes;
  }

  private static <T> List<T> only(List<Object> all, Class<T> type) {
    return all.stream().filter(type::isInstance).map(type::cast).toList();
  }

  @Test
  void aCrashBetweenStoreAndIndexHealsOnTheNextLook() {
    TestModel one = TestModel.of(1);
    TestModel two = TestModel.of(2).upload(bed.store);
    publish("m", one, "latest");
    assertThat(manifests.list()).hasSize(1);
    // Stops after the move of the tag is stored: the index never hears of it.
    StoredManifests crashing =
        bed.manifests(bed.store, new CrashingIndex(bed.index, new IllegalStateException("crash")));
    assertThatThrownBy(() -> crashing.publish("m", two.manifest(), LATEST, ANY))
        .hasMessage("crash");
    assertThat(bed.index.find("m").orElseThrow().tag("latest").orElseThrow().target())
        .contains(one.version());
    assertThat(resolve("m")).isEqualTo(two.version());
    ModelSummary healed = bed.index.find("m").orElseThrow();
    assertThat(healed.tag("latest").orElseThrow().target()).contains(two.version());
    assertThat(healed.version(two.version())).isPresent();
    // A model that the index has never heard of.
    assertThatThrownBy(() -> crashing.publish("new", two.manifest(), LATEST, ANY))
        .hasMessage("crash");
    assertThat(manifests.list()).extracting(ModelSummary::name).containsExactly("m");
    assertThat(manifests.model("new").tagsOf(two.version())).containsExactly("latest");
    assertThat(manifests.list()).extracting(ModelSummary::name).containsExactly("m", "new");
  }

  @Test
  void theIndexIsRebuiltFromTheStoreAlone() throws Exception {
    publish("a", TestModel.of(1), "latest");
    publish("a", TestModel.of(2), "latest");
    publish("a", TestModel.of(2), "old");
    publish("a/b", TestModel.of(1), "latest");
    publish("a/tags", TestModel.of(1), "tags");
    publish("a/versions", TestModel.of(1), "versions");
    publish("gone", TestModel.of(1), "latest");
    manifests.remove(ModelRef.parse("gone"), true);
    publish("c", TestModel.of(3), "x");
    manifests.remove(ModelRef.parse("c:x"), false);
    publish("c", TestModel.of(4), "y");
    manifests.remove(ModelRef.parse("c@" + TestModel.of(4).version()), true);
    List<ModelSummary> before = manifests.list();
    assertThat(before)
        .extracting(ModelSummary::name)
        .containsExactly("a", "a/b", "a/tags", "a/versions", "c");

    bed.flush();
    assertThat(bed.index.complete()).isFalse();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<List<ModelSummary>>> readers = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        readers.add(threads.submit(() -> manifests.list()));
      }
      for (Future<List<ModelSummary>> reader : readers) {
        assertThat(reader.get()).isEqualTo(before);
      }
    }
    List<String> keys = bed.keys();

    bed.flush();
    assertThat(manifests.rebuild()).isEqualTo(new Rebuilt(5, 6, 5, List.of()));
    assertThat(manifests.list()).isEqualTo(before);
    assertThat(bed.keys()).hasSameSizeAs(keys);
    assertThat(manifests.rebuild()).isEqualTo(new Rebuilt(5, 6, 5, List.of()));
    assertThat(bed.keys()).hasSameSizeAs(keys);

    bed.flush();
    assertThat(resolve("a")).isEqualTo(TestModel.of(2).version());
    assertThat(manifests.list()).isEqualTo(before);
  }

  @Test
  void readersNeverSeeHalfAnIndexWhileItIsRebuilt() throws Exception {
    for (int i = 0; i < 10; i++) {
      publish("m" + i, TestModel.of(i), "latest");
    }
    List<ModelSummary> whole = manifests.list();
    AtomicBoolean done = new AtomicBoolean();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      Future<Integer> reader =
          threads.submit(
              () -> {
                int looks = 0;
                for (; !done.get(); looks++) {
                  assertThat(manifests.list()).isEqualTo(whole);
                }
                return looks;
              });
      try {
        for (int i = 0; i < 20; i++) {
          if (i % 5 == 4) {
            bed.flush();
          }
          manifests.rebuild();
        }
      } finally {
        done.set(true);
      }
      assertThat(reader.get()).isPositive();
    }
  }

  @Test
  void publishingDuringRebuildsLosesNothing() throws Exception {
    publish("m0", TestModel.of(0), "latest");
    AtomicBoolean done = new AtomicBoolean();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      Future<Integer> rebuilder =
          threads.submit(
              () -> {
                int rebuilds = 0;
                for (; !done.get(); rebuilds++) {
                  manifests.rebuild();
                }
                return rebuilds;
              });
      try {
        for (int i = 1; i < 40; i++) {
          publish("m" + i % 4, TestModel.of(i), "latest");
          Digest version = TestModel.of(i).version();
          assertThat(manifests.list())
              .as("version %d", i)
              .anyMatch(model -> model.tagsOf(version).contains("latest"));
        }
      } finally {
        done.set(true);
      }
      assertThat(rebuilder.get()).isPositive();
    }
    List<ModelSummary> live = manifests.list();
    manifests.rebuild();
    assertThat(live).isEqualTo(manifests.list());
  }

  @Test
  void aCorruptManifestIsNamedAndRefused() throws IOException {
    TestModel good = TestModel.of(1);
    TestModel bad = TestModel.of(2);
    publish("m", good, "good");
    publish("m", bad, "latest");
    String key = Keys.manifest("m", bad.version());
    byte[] bytes = Files.readAllBytes(root.resolve(key));
    bytes[bytes.length / 2] ^= 1;
    Files.write(root.resolve(key), bytes);
    StoredManifests fresh = bed.manifests(bed.store, bed.index);
    for (Runnable use :
        List.<Runnable>of(
            () -> fresh.load("m", bad.version()),
            () -> fresh.publish("m", bad.manifest(), LATEST, ANY),
            () -> bed.collector().collect(GarbageCollectorTest.NOW, object -> {}))) {
      assertThatThrownBy(use::run)
          .hasMessageContaining(key)
          .isInstanceOfSatisfying(
              ManifestException.class,
              e -> {
                assertThat(e.code()).isEqualTo("manifest-corrupt");
                assertThat(e.kind()).isEqualTo(ErrorKind.CORRUPT);
              });
    }
    bed.flush();
    Rebuilt rebuilt = fresh.rebuild();
    assertThat(rebuilt.versions()).isEqualTo(1);
    assertThat(rebuilt.refused()).singleElement().asString().contains(key);
    assertThat(fresh.resolve(ModelRef.parse("m:good")).version()).isEqualTo(good.version());
    refused(ErrorKind.CORRUPT, "manifest-corrupt", () -> fresh.resolve(ModelRef.parse("m:latest")));
    // The way out: remove it, collect it, publish it again.
    fresh.remove(ModelRef.parse("m@" + bad.version()), true);
    bed.collector().collect(GarbageCollectorTest.NOW, object -> {});
    publish("m", bad, "latest");
    assertThat(bed.manifests(bed.store, bed.index).load("m", bad.version()))
        .isEqualTo(bad.manifest());
  }

  @Test
  void aCorruptTagIsNamedAndMovedOver() throws IOException {
    publish("m", TestModel.of(1), "latest");
    publish("m", TestModel.of(2), "latest");
    String key = Keys.tagMove("m", "latest", 2);
    Files.write(root.resolve(key), new byte[] {'{'});
    bed.flush();
    assertThatThrownBy(() -> resolve("m"))
        .hasMessageContaining(key)
        .isInstanceOfSatisfying(
            ManifestException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.CORRUPT));
    assertThat(manifests.rebuild().refused()).singleElement().asString().contains(key);
    Published published = publish("m", TestModel.of(1), "latest");
    assertThat(published.tag().orElseThrow().sequence()).isEqualTo(3);
    assertThat(resolve("m")).isEqualTo(TestModel.of(1).version());
  }

  @Test
  void removingATagLeavesItsVersion() {
    TestModel model = TestModel.of(1);
    publish("m", model, "latest");
    assertThat(manifests.remove(ModelRef.parse("m:latest"), false))
        .isEqualTo(new Removed(List.of("latest"), List.of()));
    refused(ErrorKind.MISSING, "tag-missing", () -> resolve("m"));
    assertThat(resolve("m@" + model.version())).isEqualTo(model.version());
    assertThat(manifests.model("m").tag("latest").orElseThrow().target()).isEmpty();
    refused(
        ErrorKind.MISSING,
        "tag-missing",
        () -> manifests.remove(ModelRef.parse("m:latest"), false));
    assertThat(publish("m", model, "latest").tag().orElseThrow().sequence()).isEqualTo(3);
    assertThat(resolve("m")).isEqualTo(model.version());
  }

  @Test
  void removingATaggedVersionIsAConflictUnlessForced() {
    TestModel one = TestModel.of(1);
    TestModel two = TestModel.of(2);
    publish("m", one, "latest");
    manifests.tag("m", "stable", one.version(), ANY);
    publish("m", two, "next");
    ModelRef ref = ModelRef.parse("m@" + one.version());
    assertThatThrownBy(() -> manifests.remove(ref, false))
        .hasMessageContaining("latest")
        .hasMessageContaining("stable")
        .isInstanceOfSatisfying(
            ManifestException.class,
            e -> {
              assertThat(e.code()).isEqualTo("version-tagged");
              assertThat(e.kind()).isEqualTo(ErrorKind.CONFLICT);
            });
    assertThat(resolve("m")).isEqualTo(one.version());
    assertThat(manifests.remove(ref, true))
        .isEqualTo(new Removed(List.of("latest", "stable"), List.of(one.version())));
    refused(ErrorKind.MISSING, "version-missing", () -> manifests.resolve(ref));
    refused(ErrorKind.MISSING, "version-missing", () -> manifests.remove(ref, true));
    refused(
        ErrorKind.MISSING,
        "version-missing",
        () -> manifests.tag("m", "latest", one.version(), ANY));
    assertThat(manifests.model("m").versions())
        .extracting(VersionSummary::version)
        .containsExactly(two.version());
  }

  @Test
  void publishingARemovedVersionRevivesIt() {
    TestModel model = TestModel.of(1);
    publish("m", model, "latest");
    manifests.remove(ModelRef.parse("m"), true);
    refused(ErrorKind.MISSING, "model-missing", () -> resolve("m"));
    assertThat(manifests.list()).isEmpty();
    Published again = publish("m", model, "latest");
    assertThat(again.created()).isFalse();
    assertThat(resolve("m")).isEqualTo(model.version());
    bed.collector().collect(GarbageCollectorTest.NOW, object -> {});
    assertThat(new Verifier(bed.store, 2).verify(model.manifest(), true).sound()).isTrue();
    bed.flush();
    assertThat(resolve("m")).isEqualTo(model.version());
  }

  @Test
  void aTaggedVersionExistsEvenIfItIsMarked() {
    // What a remove and a tag at the same time can leave behind.
    TestModel model = TestModel.of(1);
    publish("m", model, "latest");
    new StoreCatalog(bed.store, new ManifestCodec())
        .putMark("m", model.version(), bed.clock.instant());
    bed.flush();
    assertThat(resolve("m")).isEqualTo(model.version());
    bed.collector().collect(GarbageCollectorTest.NOW, object -> {});
    assertThat(bed.manifests(bed.store, bed.index).load("m", model.version()))
        .isEqualTo(model.manifest());
  }

  @Test
  void publishChecksWhatItExpectsOfTheTag() {
    TestModel one = TestModel.of(1).upload(bed.store);
    TestModel two = TestModel.of(2).upload(bed.store);
    Optional<Digest> expectsTwo = Optional.of(two.version());
    refused(
        ErrorKind.CONFLICT,
        "tag-moved",
        () -> manifests.publish("m", one.manifest(), LATEST, expectsTwo));
    manifests.publish("m", one.manifest(), LATEST, ANY);
    manifests.publish("m", two.manifest(), LATEST, Optional.of(one.version()));
    // A commit that is repeated after it had moved the tag.
    assertThat(
            manifests
                .publish("m", two.manifest(), LATEST, Optional.of(one.version()))
                .tag()
                .orElseThrow()
                .sequence())
        .isEqualTo(2);
  }

  /** Stands for a process that dies before it tells the index. */
  private record CrashingIndex(ManifestIndex index, RuntimeException crash)
      implements ManifestIndex {
    @Override
    public boolean complete() {
      return index.complete();
    }

    @Override
    public Optional<ModelSummary> find(String name) {
      return index.find(name);
    }

    @Override
    public Optional<List<ModelSummary>> list() {
      return index.list();
    }

    @Override
    public void apply(String name, List<Change> changes) {
      throw crash;
    }

    @Override
    public Optional<Rebuild> rebuild() {
      return index.rebuild();
    }
  }
}
