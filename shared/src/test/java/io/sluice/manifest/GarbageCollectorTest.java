package io.sluice.manifest;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.manifest.GarbageCollector.Options;
import io.sluice.manifest.GarbageCollector.Report;
import io.sluice.model.Digest;
import io.sluice.model.InvalidValueException;
import io.sluice.model.Keys;
import io.sluice.model.ModelRef;
import io.sluice.model.SluiceException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GarbageCollectorTest {
  static final Options NOW = new Options(Duration.ZERO, 2, false);

  @TempDir Path root;
  private TestBed bed;

  @BeforeEach
  void open() {
    bed = new TestBed(root);
  }

  @AfterEach
  void close() {
    bed.close();
  }

  private void publish(String name, TestModel model, String tag) {
    model.upload(bed.store);
    bed.manifests.publish(name, model.manifest(), Optional.of(tag), Optional.empty());
  }

  private Set<String> keys() {
    Set<String> keys = new TreeSet<>();
    bed.store.list("", object -> keys.add(object.key()));
    return keys;
  }

  private Report collect(Options options, List<String> deleted) {
    return bed.collector().collect(options, object -> deleted.add(object.key()));
  }

  @Test
  void deletesWhatNoVersionReachesAndNothingElse() throws Exception {
    TestModel kept = TestModel.of(1, 2);
    TestModel removed = TestModel.of(2, 3);
    publish("m", kept, "latest");
    publish("m", removed, "old");
    TestModel aborted = TestModel.of(4).upload(bed.store);
    bed.store.putIfAbsent("shards/notes.txt", MemorySegment.ofArray(new byte[3]));
    bed.manifests.remove(ModelRef.parse("m@" + removed.version()), true);

    Set<String> before = keys();
    List<String> wouldBe = new ArrayList<>();
    Report dry = collect(new Options(Duration.ZERO, 2, true), wouldBe);
    assertThat(keys()).isEqualTo(before);
    List<String> deleted = new ArrayList<>();
    Report report = collect(NOW, deleted);
    assertThat(wouldBe).containsExactlyInAnyOrderElementsOf(deleted);
    assertThat(dry)
        .isEqualTo(
            new Report(
                true,
                report.deletedObjects(),
                report.deletedBytes(),
                report.keptObjects(),
                report.keptBytes(),
                0,
                0,
                0,
                report.versions()));

    Set<String> expected = new TreeSet<>(aborted.objects().keySet());
    expected.addAll(removed.objects().keySet());
    expected.removeAll(kept.objects().keySet());
    expected.add(Keys.manifest("m", removed.version()));
    expected.add(Keys.deleteMark("m", removed.version()));
    assertThat(deleted).containsExactlyInAnyOrderElementsOf(expected);
    Set<String> rest = new TreeSet<>(before);
    rest.removeAll(expected);
    assertThat(keys()).isEqualTo(rest).contains("shards/notes.txt");
    assertThat(report.versions()).containsExactly("m@" + removed.version());
    assertThat(report.deletedObjects()).isEqualTo(expected.size());
    assertThat(report.deletedBytes()).isGreaterThan(2 * 384 + 2 * 30);
    assertThat(report.keptObjects()).isEqualTo(3);
    assertThat(report.keptBytes()).isEqualTo(2 * 384 + 30);
    assertThat(new Verifier(bed.store, 2).verify(kept.manifest(), true).sound()).isTrue();
    assertThat(collect(NOW, new ArrayList<>()).deletedObjects()).isZero();
  }

  @Test
  void versionsWithoutATagStay() {
    TestModel model = TestModel.of(1);
    publish("m", model, "latest");
    publish("m", TestModel.of(2), "latest");
    bed.manifests.remove(ModelRef.parse("m:latest"), false);
    assertThat(collect(NOW, new ArrayList<>()).versions()).isEmpty();
    assertThat(new Verifier(bed.store, 2).verify(model.manifest(), true).sound()).isTrue();
  }

  @Test
  void youngObjectsStay() {
    TestModel aborted = TestModel.of(1).upload(bed.store);
    List<String> deleted = new ArrayList<>();
    Report report = collect(new Options(Duration.ofHours(1), 2, false), deleted);
    assertThat(deleted).isEmpty();
    assertThat(report.young()).isEqualTo(2);
    assertThat(report.keptObjects()).isEqualTo(2);
    assertThat(collect(NOW, deleted).deletedObjects()).isEqualTo(2);
    assertThat(deleted).containsExactlyInAnyOrderElementsOf(aborted.objects().keySet());
  }

  @Test
  void whatDeadJobsLeftIsGarbageWhenItIsOld() {
    String left = Keys.scratch("01m84mfr4gn2jkqytw83gqc3wg/17/0-3");
    bed.store.putIfAbsent(left, MemorySegment.ofArray(new byte[3]));
    bed.store.putIfAbsent("scratch/notes.txt", MemorySegment.ofArray(new byte[3]));
    List<String> deleted = new ArrayList<>();
    collect(new Options(Duration.ofHours(1), 2, false), deleted);
    assertThat(deleted).isEmpty();
    collect(NOW, deleted);
    assertThat(deleted).containsExactly(left);
  }

  @Test
  void pinnedObjectsStay() {
    TestModel aborted = TestModel.of(1).upload(bed.store);
    TestModel removed = TestModel.of(2);
    publish("m", removed, "latest");
    bed.manifests.remove(ModelRef.parse("m"), true);
    String shard = aborted.objects().keySet().iterator().next();
    String manifest = Keys.manifest("m", removed.version());
    List<String> deleted = new ArrayList<>();
    try (ObjectPins.Pin pin = bed.pins.pin(List.of(shard, manifest))) {
      Report report = collect(NOW, deleted);
      assertThat(report.pinned()).isEqualTo(2);
      assertThat(pin.renew()).isTrue();
    }
    assertThat(deleted)
        .doesNotContain(shard, manifest)
        .doesNotContainAnyElementsOf(removed.objects().keySet())
        .hasSize(1);
    collect(NOW, deleted);
    assertThat(deleted).contains(shard, manifest).containsAll(removed.objects().keySet());
  }

  @Test
  void oldMovesOfTagsAreForgottenTheLastNever() {
    for (int i = 0; i < 6; i++) {
      publish("m", TestModel.of(i), "latest");
    }
    bed.manifests.remove(ModelRef.parse("m:latest"), false);
    collect(new Options(Duration.ofHours(1), 1, false), new ArrayList<>());
    assertThat(bed.manifests.history("m", "latest")).hasSize(7);
    collect(new Options(Duration.ZERO, 3, false), new ArrayList<>());
    assertThat(bed.manifests.history("m", "latest"))
        .extracting(TagMove::sequence)
        .containsExactly(7L, 6L, 5L);
    publish("m", TestModel.of(9), "latest");
    collect(new Options(Duration.ZERO, 1, false), new ArrayList<>());
    assertThat(bed.manifests.history("m", "latest"))
        .extracting(TagMove::sequence)
        .containsExactly(8L);
    bed.flush();
    assertThat(bed.manifests.resolve(ModelRef.parse("m")).version())
        .isEqualTo(TestModel.of(9).version());
  }

  @Test
  void nothingIsDeletedIfAManifestCannotBeRead() throws Exception {
    publish("m", TestModel.of(1), "latest");
    publish("other", TestModel.of(2), "latest");
    TestModel.of(3).upload(bed.store);
    bed.manifests.remove(ModelRef.parse("other"), true);
    Path manifest = root.resolve(Keys.manifest("m", TestModel.of(1).version()));
    Files.write(manifest, "{}".getBytes(UTF_8));
    Set<String> before = keys();
    assertThatThrownBy(() -> collect(NOW, new ArrayList<>()))
        .hasMessageContaining(Keys.manifest("m", TestModel.of(1).version()));
    assertThat(keys()).isEqualTo(before);
  }

  @Test
  void optionsAreChecked() {
    assertThatThrownBy(() -> new Options(Duration.ofSeconds(-1), 1, false))
        .isInstanceOf(InvalidValueException.class);
    assertThatThrownBy(() -> new Options(Duration.ZERO, 0, false))
        .isInstanceOf(InvalidValueException.class);
  }

  @Test
  void collectingWhilePublishingNeverLosesAPublishedShard() throws Exception {
    AtomicBoolean done = new AtomicBoolean();
    Callable<Long> collector =
        () -> {
          long deleted = 0;
          while (!done.get()) {
            deleted += bed.collector().collect(NOW, object -> {}).deletedObjects();
          }
          return deleted;
        };
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      Future<Long> collecting = threads.submit(collector);
      List<Future<Integer>> publishers = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        int id = i;
        publishers.add(threads.submit(() -> publishAndRemove(id)));
      }
      int published = 0;
      try {
        for (Future<Integer> publisher : publishers) {
          published += publisher.get();
        }
      } finally {
        done.set(true);
      }
      assertThat(published).isGreaterThan(20);
      assertThat(collecting.get()).isPositive();
    }
    for (ModelSummary model : bed.manifests.list()) {
      for (VersionSummary version : model.versions()) {
        ModelManifest manifest = bed.manifests.load(model.name(), version.version());
        assertThat(new Verifier(bed.store, 2).verify(manifest, true).problems()).isEmpty();
      }
    }
  }

  /**
   * Publishes versions that share shards with those of the others, and removes them. Publisher 0
   * does not pin what it uploads: it may be told that a shard is gone, but then nothing is visible.
   */
  private Integer publishAndRemove(int id) {
    Random random = new Random(id);
    int published = 0;
    for (int i = 0; i < 40; i++) {
      int first = random.nextInt(5);
      TestModel model = TestModel.of(first, 5 + random.nextInt(5));
      String name = "m" + random.nextInt(2);
      List<String> keys = id == 0 ? List.of() : List.copyOf(model.objects().keySet());
      try (ObjectPins.Pin pin = bed.pins.pin(keys)) {
        model.upload(bed.store);
        bed.manifests.publish(name, model.manifest(), Optional.of("t" + id), Optional.empty());
        published++;
        assertThat(pin).isNotNull();
      } catch (ManifestException e) {
        assertThat(id).as(e.getMessage()).isZero();
        assertThat(e.code()).isEqualTo("shard-missing");
        continue;
      }
      // The tag is ours, so what it names is there whatever the others remove.
      Digest version = bed.manifests.resolve(ModelRef.parse(name + ":t" + id)).version();
      assertThat(version).isEqualTo(model.version());
      ModelManifest manifest = bed.manifests.load(name, version);
      assertThat(new Verifier(bed.store, 2).verify(manifest, false).problems()).isEmpty();
      if (random.nextBoolean()) {
        bed.manifests.remove(ModelRef.parse(name + ":t" + id), false);
        try {
          bed.manifests.remove(ModelRef.parse(name + "@" + version), false);
        } catch (SluiceException e) {
          assertThat(e.code()).isIn("version-tagged", "version-missing", "model-missing");
        }
      }
    }
    return published;
  }
}
