package io.sluice.manifest.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.manifest.ManifestException;
import io.sluice.manifest.ManifestIndex.Change;
import io.sluice.manifest.ManifestIndex.Rebuild;
import io.sluice.manifest.ModelSummary;
import io.sluice.manifest.TagMove;
import io.sluice.manifest.VersionSummary;
import io.sluice.model.Digest;
import io.sluice.model.ErrorKind;
import io.sluice.redis.RedisClient;
import io.sluice.redis.TestRedis;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class RedisManifestIndexTest {
  private final String prefix = TestRedis.prefix();
  private RedisClient redis;
  private RedisManifestIndex index;

  @BeforeEach
  void open() {
    redis = TestRedis.shared().client();
    index = new RedisManifestIndex(redis, prefix);
  }

  @AfterEach
  void close() {
    redis.call("KEYS", prefix + "*").forEach(key -> redis.call("DEL", key.toString()));
    redis.close();
  }

  private static VersionSummary version(int id) {
    Digest digest = Digest.sha256(new byte[] {(byte) id, (byte) (id >> 8)});
    long huge = Long.MAX_VALUE - id;
    return new VersionSummary(digest, huge, huge, id, id, id, id, Instant.ofEpochMilli(id));
  }

  private static TagMove move(long sequence, VersionSummary target) {
    return new TagMove(
        "latest",
        sequence,
        Optional.ofNullable(target).map(VersionSummary::version),
        Instant.ofEpochMilli(1_700_000_000_123L));
  }

  private void complete(ModelSummary... models) {
    try (Rebuild rebuild = index.rebuild().orElseThrow()) {
      List.of(models).forEach(rebuild::put);
      assertThat(rebuild.finish()).isEmpty();
    }
  }

  private ModelSummary find() {
    return index.find("m").orElseThrow();
  }

  @Test
  void isIncompleteUntilItIsBuilt() {
    assertThat(index.complete()).isFalse();
    assertThat(index.find("m")).isEmpty();
    assertThat(index.list()).isEmpty();
    index.apply("m", List.of(new Change.Version(version(1))));
    assertThat(index.find("m")).isEmpty();
    complete();
    assertThat(index.complete()).isTrue();
    assertThat(index.list()).contains(List.of());
    assertThat(find()).isEqualTo(new ModelSummary("m", List.of(), List.of()));
  }

  @Test
  void keepsWhatItIsTold() {
    complete();
    index.apply("m", List.of(new Change.Version(version(1)), new Change.Tag(move(1, version(1)))));
    index.apply("m", List.of(new Change.Version(version(2))));
    assertThat(find())
        .isEqualTo(
            new ModelSummary("m", List.of(version(1), version(2)), List.of(move(1, version(1)))));
    index.apply("m", List.of(new Change.NoVersion(version(1).version())));
    assertThat(find().versions()).containsExactly(version(2));
    assertThat(index.list()).contains(List.of(find()));
    assertThat(new RedisManifestIndex(redis, "{other}:").complete()).isFalse();
  }

  @Test
  void tagsMoveForwardOnly() {
    complete();
    index.apply("m", List.of(new Change.Tag(move(9, version(1)))));
    index.apply("m", List.of(new Change.Tag(move(10, null))));
    index.apply("m", List.of(new Change.Tag(move(9, version(1)))));
    assertThat(find().tags()).containsExactly(move(10, null));
    index.apply("m", List.of(new Change.Tag(move(100, version(2)))));
    index.apply("m", List.of(new Change.Tag(move(11, version(1)))));
    assertThat(find().tags()).containsExactly(move(100, version(2)));
  }

  @Test
  void listsManyModelsInOrder() {
    complete(
        IntStream.range(0, 600)
            .mapToObj(i -> new ModelSummary("m" + i, List.of(version(i)), List.of()))
            .toArray(ModelSummary[]::new));
    List<ModelSummary> models = index.list().orElseThrow();
    assertThat(models)
        .hasSize(600)
        .extracting(ModelSummary::name)
        .isSorted()
        .doesNotHaveDuplicates();
    assertThat(models).allMatch(model -> model.versions().size() == 1);
  }

  @Test
  void aRebuildIsSeenAtOnceOrNotAtAll() {
    complete(new ModelSummary("m", List.of(version(1)), List.of()));
    try (Rebuild rebuild = index.rebuild().orElseThrow()) {
      assertThat(index.rebuild()).isEmpty();
      rebuild.put(new ModelSummary("n", List.of(version(2)), List.of()));
      assertThat(index.list().orElseThrow()).extracting(ModelSummary::name).containsExactly("m");
      assertThat(rebuild.finish()).isEmpty();
    }
    assertThat(index.list().orElseThrow()).extracting(ModelSummary::name).containsExactly("n");
    assertThat(find().versions()).isEmpty();
  }

  @Test
  void aRebuildThatGivesUpChangesNothing() {
    complete(new ModelSummary("m", List.of(version(1)), List.of()));
    int keys = redis.call("KEYS", prefix + "*").size();
    try (Rebuild rebuild = index.rebuild().orElseThrow()) {
      rebuild.put(new ModelSummary("n", List.of(version(2)), List.of()));
    }
    assertThat(index.list().orElseThrow()).extracting(ModelSummary::name).containsExactly("m");
    assertThat(redis.call("KEYS", prefix + "*").size()).isEqualTo(keys);
    assertThat(index.rebuild()).isPresent();
  }

  @Test
  void changesDuringARebuildAreReadAgain() {
    complete();
    index.apply("m", List.of(new Change.Version(version(1))));
    try (Rebuild rebuild = index.rebuild().orElseThrow()) {
      rebuild.put(new ModelSummary("m", List.of(version(1)), List.of()));
      index.apply("m", List.of(new Change.Version(version(2))));
      index.apply("n", List.of(new Change.Version(version(3))));
      assertThat(rebuild.finish()).containsExactly("m", "n");
      assertThat(find().versions()).hasSize(2);
      rebuild.put(new ModelSummary("m", List.of(version(1), version(2)), List.of()));
      rebuild.put(new ModelSummary("n", List.of(version(3)), List.of()));
      index.apply("n", List.of(new Change.NoVersion(version(3).version())));
      assertThat(rebuild.finish()).containsExactly("n");
      rebuild.put(new ModelSummary("n", List.of(), List.of()));
      assertThat(rebuild.finish()).isEmpty();
    }
    assertThat(index.list().orElseThrow()).containsExactly(find());
    assertThat(find().versions()).hasSize(2);
  }

  @Test
  void aRebuildThatWasTakenForDeadCannotGoOn() {
    complete(new ModelSummary("m", List.of(version(1)), List.of()));
    ModelSummary other = new ModelSummary("n", List.of(version(2)), List.of());
    try (Rebuild next = afterSilence(other)) {
      next.put(new ModelSummary("m", List.of(version(3)), List.of()));
      assertThat(next.finish()).isEmpty();
    }
    assertThat(find().versions()).containsExactly(version(3));
    assertThat(index.list().orElseThrow()).hasSize(1);
  }

  /** A rebuild that began when another one was taken for dead, which tries to go on and ends. */
  private Rebuild afterSilence(ModelSummary other) {
    try (Rebuild silent = index.rebuild().orElseThrow()) {
      silent.put(other);
      redis.call("DEL", prefix + "manifest:1:building"); // as its expiry does
      Rebuild next = index.rebuild().orElseThrow();
      for (Runnable step :
          List.<Runnable>of(silent::renew, () -> silent.put(other), silent::finish)) {
        assertThatThrownBy(step::run)
            .isInstanceOfSatisfying(
                ManifestException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.TRANSIENT));
      }
      return next;
    }
  }

  @Test
  void anIndexThatLostAModelIsIncomplete() {
    complete(new ModelSummary("m", List.of(version(1)), List.of()));
    String generation = redis.call("GET", prefix + "manifest:1:current").toString();
    redis.call("DEL", prefix + "manifest:1:" + generation + ":model:m");
    assertThat(index.list()).isEmpty();
    assertThat(index.complete()).isFalse();
  }

  @Test
  void whatNobodyWroteIsNamed() {
    complete();
    index.apply("m", List.of(new Change.Version(version(1))));
    String generation = redis.call("GET", prefix + "manifest:1:current").toString();
    String key = prefix + "manifest:1:" + generation + ":model:m";
    redis.call("HSET", key, "v:" + version(1).version().hex(), "1 2 3");
    assertThatThrownBy(() -> index.find("m"))
        .isInstanceOfSatisfying(
            ManifestException.class, e -> assertThat(e.code()).isEqualTo("index-corrupt"))
        .hasMessageContaining("'1 2 3'");
  }
}
