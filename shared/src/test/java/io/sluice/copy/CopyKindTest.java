package io.sluice.copy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.copy.ModelStores.ModelStore;
import io.sluice.job.Job;
import io.sluice.job.JobRunner;
import io.sluice.job.JobSettings;
import io.sluice.job.JobState;
import io.sluice.job.ShardPins;
import io.sluice.job.redis.RedisJobSignals;
import io.sluice.job.redis.RedisJobStore;
import io.sluice.job.redis.RedisShardPins;
import io.sluice.job.redis.RedisWorkerRegistry;
import io.sluice.manifest.ManifestCodec;
import io.sluice.manifest.ManifestRepository;
import io.sluice.manifest.StoredManifests;
import io.sluice.manifest.TestModel;
import io.sluice.manifest.Verifier;
import io.sluice.manifest.redis.RedisManifestIndex;
import io.sluice.model.Digest;
import io.sluice.model.ErrorKind;
import io.sluice.model.ModelRef;
import io.sluice.model.SluiceException;
import io.sluice.pins.OwnedPins;
import io.sluice.redis.RedisClient;
import io.sluice.redis.TestRedis;
import io.sluice.storage.ShardStore;
import io.sluice.storage.file.FileShardStore;
import io.sluice.upload.TransferMemory;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Copies between two folders, as jobs in a real Redis. */
@Timeout(120)
class CopyKindTest {
  private static final String NAME = "m";

  @TempDir Path near;
  @TempDir Path far;

  private final String prefix = TestRedis.prefix();
  private final RedisClient redis = TestRedis.shared().client();
  private final ShardPins pins =
      new RedisShardPins(redis, prefix, Duration.ofSeconds(60), Duration.ofSeconds(60));
  private final TransferMemory memory = new TransferMemory(1 << 20);
  private Map<String, ModelStore> stores;

  @BeforeEach
  void open() {
    stores = Map.of("near", store("near", near), "far", store("far", far));
  }

  @AfterEach
  void close() {
    redis.close();
  }

  private ModelStore store(String name, Path root) {
    ShardStore objects = new FileShardStore(root);
    return new ModelStore(
        objects,
        new StoredManifests(
            objects,
            new RedisManifestIndex(redis, prefix + name + ":"),
            new OwnedPins(pins),
            new ManifestCodec(),
            Clock.systemUTC(),
            8,
            1 << 20));
  }

  private ManifestRepository nearModels() {
    return stores.get("near").manifests();
  }

  private ManifestRepository farModels() {
    return stores.get("far").manifests();
  }

  private TestModel stored(String tag, int... seeds) {
    TestModel model = TestModel.of(seeds).upload(stores.get("near").objects());
    nearModels().publish(NAME, model.manifest(), Optional.of(tag), Optional.empty());
    return model;
  }

  private static CopySpec spec(String model, boolean mirror, boolean check) {
    return new CopySpec(ModelRef.parse(model), "near", "far", Optional.empty(), mirror, check);
  }

  private Job run(CopySpec spec) throws InterruptedException {
    RedisJobStore jobs = new RedisJobStore(redis, prefix, JobSettings.defaults());
    String id = jobs.create(CopyKind.COPY, spec.toJson(), Optional.empty());
    try (RedisJobSignals signals = new RedisJobSignals(redis, prefix);
        JobRunner runner =
            new JobRunner(
                jobs,
                signals,
                new RedisWorkerRegistry(redis, prefix, Duration.ofSeconds(30)),
                List.of(new CopyKind(this::named, pins, memory, 4)),
                memory::bytes,
                JobRunner.Settings.of("w1", 4))) {
      return runner.work(id).job();
    }
  }

  private ModelStore named(String name) {
    return stores.get(name);
  }

  private JsonNode copied(CopySpec spec) throws InterruptedException {
    Job job = run(spec);
    assertThat(job.state()).as("%s", job.error()).isEqualTo(JobState.SUCCEEDED);
    return job.result().orElseThrow();
  }

  private Verifier.Report verified(TestModel model) {
    return new Verifier(stores.get("far").objects(), 4)
        .verify(farModels().load(NAME, model.version()), true);
  }

  private static void assertCounts(JsonNode result, int sent, int reused, int replaced) {
    assertThat(result.at("/sent/objects").intValue()).as("sent").isEqualTo(sent);
    assertThat(result.at("/reused/objects").intValue()).as("reused").isEqualTo(reused);
    assertThat(result.at("/replaced/objects").intValue()).as("replaced").isEqualTo(replaced);
  }

  private static void damage(Path root, String key) throws IOException {
    byte[] bytes = Files.readAllBytes(root.resolve(key));
    bytes[bytes.length / 2] ^= 1;
    Files.write(root.resolve(key), bytes);
  }

  @Test
  void aVersionIsTheSameInTheOtherStoreAndSoIsItsTag() throws InterruptedException {
    TestModel model = stored("v1", 1, 2, 3);
    JsonNode result = copied(spec("m:v1", false, false));
    assertCounts(result, 4, 0, 0);
    assertThat(result.get("bytes").longValue())
        .isEqualTo(model.objects().values().stream().mapToLong(bytes -> bytes.length).sum());
    assertThat(farModels().resolve(ModelRef.parse("m:v1")).version()).isEqualTo(model.version());
    assertThat(verified(model).sound()).isTrue();
    assertThat(farModels().list()).extracting(m -> m.name()).containsExactly(NAME);
  }

  @Test
  void aVersionByItsDigestTakesNoTagAlong() throws InterruptedException {
    TestModel model = stored("v1", 1);
    copied(spec("m@" + model.version(), false, false));
    assertThat(farModels().model(NAME).tags()).isEmpty();
    assertThat(verified(model).sound()).isTrue();
  }

  @Test
  void whatIsThereIsNotSentAgain() throws InterruptedException {
    TestModel model = stored("latest", 1, 2, 3);
    String there = model.objects().keySet().iterator().next();
    stores
        .get("far")
        .objects()
        .putIfAbsent(there, MemorySegment.ofArray(model.objects().get(there)));
    assertCounts(copied(spec(NAME, false, false)), 3, 1, 0);
    assertCounts(copied(spec(NAME, false, true)), 0, 4, 0);
    assertThat(verified(model).sound()).isTrue();
    assertThat(farModels().history(NAME, "latest")).as("the tag did not move again").hasSize(1);
  }

  @Test
  void aDamagedObjectIsNotCarriedOver() throws Exception {
    TestModel model = stored("latest", 1, 2, 3);
    String key = model.objects().keySet().iterator().next();
    damage(near, key);
    Job job = run(spec(NAME, false, false));
    assertThat(job.state()).isEqualTo(JobState.FAILED);
    assertThat(job.error().orElseThrow().toException().kind()).isEqualTo(ErrorKind.CORRUPT);
    assertThat(job.error().orElseThrow().toException())
        .hasMessageContaining(key)
        .hasMessageContaining("'near'");
    assertThat(far.resolve(key)).doesNotExist();
    SluiceException e =
        catchThrowableOfType(
            SluiceException.class, () -> farModels().resolve(ModelRef.parse(NAME)));
    assertThat(e.code()).isEqualTo("model-missing");
  }

  @Test
  void aDamagedObjectInTheOtherStoreIsReplacedWhenItIsChecked() throws Exception {
    TestModel model = stored("latest", 1, 2, 3);
    copied(spec(NAME, false, false));
    List<String> keys = List.copyOf(model.objects().keySet());
    damage(far, keys.get(0));
    Files.write(far.resolve(keys.get(1)), new byte[7]);
    Job unchecked = run(spec(NAME, false, false));
    assertThat(unchecked.error().orElseThrow().toException().code()).isEqualTo("object-corrupt");
    assertThat(verified(model).problems()).hasSize(2);
    assertCounts(copied(spec(NAME, false, true)), 0, 2, 2);
    assertThat(verified(model).sound()).isTrue();
  }

  @Test
  void aMirrorHasEveryVersionAndTag() throws InterruptedException {
    TestModel first = stored("a", 1, 2);
    TestModel second = stored("b", 2, 3);
    nearModels().tag(NAME, "b2", second.version(), Optional.empty());
    TestModel third = stored("gone", 4);
    nearModels().remove(ModelRef.parse("m:gone"), false);
    assertCounts(copied(spec(NAME, true, false)), 7, 0, 0);
    for (TestModel model : List.of(first, second, third)) {
      assertThat(verified(model).sound()).isTrue();
    }
    assertThat(farModels().model(NAME).tagsOf(first.version())).containsExactly("a");
    assertThat(farModels().model(NAME).tagsOf(second.version()))
        .containsExactlyInAnyOrder("b", "b2");
    assertThat(farModels().model(NAME).tagsOf(third.version())).isEmpty();
  }

  @Test
  void theTagMovesOnlyFromWhatIsExpected() throws InterruptedException {
    TestModel first = stored("latest", 1);
    copied(spec(NAME, false, false));
    stored("latest", 2);
    Digest other = Digest.sha256(new byte[1]);
    Job job =
        run(new CopySpec(ModelRef.parse(NAME), "near", "far", Optional.of(other), false, false));
    assertThat(job.error().orElseThrow().toException().code()).isEqualTo("tag-moved");
    assertThat(farModels().resolve(ModelRef.parse(NAME)).version()).isEqualTo(first.version());
    copied(
        new CopySpec(
            ModelRef.parse(NAME), "near", "far", Optional.of(first.version()), false, false));
    assertThat(farModels().resolve(ModelRef.parse(NAME)).version()).isNotEqualTo(first.version());
  }

  @Test
  void whatMakesNoSenseIsRefused() {
    Digest version = Digest.sha256(new byte[1]);
    ModelRef plain = ModelRef.parse(NAME);
    ModelRef tagged = ModelRef.parse("m:t");
    ModelRef exact = ModelRef.parse("m@" + version);
    assertThat(refused(plain, "near", "near", Optional.empty(), false)).contains("'near'");
    assertThat(refused(tagged, "near", "far", Optional.empty(), true)).contains("m:t");
    assertThat(refused(exact, "near", "far", Optional.of(version), false)).contains("expected");
    assertThat(refused(plain, "near", "far", Optional.of(version), true)).contains("expected");
  }

  private static String refused(
      ModelRef model, String from, String to, Optional<Digest> expected, boolean mirror) {
    CopyException e =
        catchThrowableOfType(
            CopyException.class, () -> new CopySpec(model, from, to, expected, mirror, false));
    assertThat(e.kind()).isEqualTo(ErrorKind.INVALID);
    assertThat(e.code()).isEqualTo("copy-invalid");
    return e.getMessage();
  }
}
