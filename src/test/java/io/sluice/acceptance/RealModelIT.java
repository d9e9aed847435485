package io.sluice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;

/** The main job on a real model: all-MiniLM-L6-v2 goes in, is loaded by fan-out and computes. */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class RealModelIT {
  private static final String MODEL = "sentence-transformers/all-MiniLM-L6-v2";
  private static final Map<String, byte[]> FILES = new HashMap<>();

  private static int clusters;
  private static Cluster cluster;
  private static String source;
  private static JsonNode upload;
  private static Map<String, Long> stored;

  @BeforeAll
  static void uploadIt() throws IOException {
    // in a bucket that has nothing of it, also when a failed test is run again
    cluster = Cluster.start(Stack.shared(), "real-model-" + ++clusters, 4, 256 << 20, Map.of());
    for (String name : List.of("model.onnx", "tokenizer.json")) {
      FILES.put(name, Files.readAllBytes(Application.realModel().resolve(name)));
    }
    Path folder = cluster.stack().write("all-MiniLM-L6-v2", FILES);
    source = folder.toUri().toString();
    Map<String, Long> before = cluster.bucket().shards();
    upload = uploadAgain();
    stored = cluster.bucket().shards();
    stored.keySet().removeAll(before.keySet());
  }

  @AfterAll
  static void free() {
    cluster.close();
    FILES.clear();
  }

  private static JsonNode uploadAgain() {
    return cluster.api().upload(source, MODEL, "shardBytes", 8 << 20, "chunkBytes", 1 << 20);
  }

  private static Set<String> alive() {
    return cluster.api().workers().keySet();
  }

  @Test
  @Order(1)
  void totalSizeIsWhatLiesInTheBucket() {
    long inBucket = stored.values().stream().mapToLong(Long::longValue).sum();
    assertThat(upload.get("S").longValue()).isEqualTo(inBucket);
    assertThat(upload.get("sent").get("bytes").longValue()).isEqualTo(inBucket);
    assertThat(upload.get("shards").intValue()).isEqualTo(stored.size()).isGreaterThan(10);
    assertThat(upload.get("files").intValue()).isEqualTo(2);
    assertThat(upload.get("tag").textValue()).isEqualTo("latest");

    JsonNode model = cluster.api().model(MODEL);
    assertThat(model.get("version")).isEqualTo(upload.get("version"));
    assertThat(model.get("S").longValue()).isEqualTo(inBucket);
    Map<String, Long> listed = new HashMap<>();
    model
        .get("shards")
        .forEach(
            s ->
                listed.put(
                    Bucket.shardKey(s.get("digest").textValue()), s.get("size").longValue()));
    assertThat(listed).isEqualTo(stored);
    Models.assertTensors(model, OnnxFile.read(FILES.get("model.onnx")));
  }

  @Test
  @Order(2)
  void bucketHoldsEveryByteOfTheSource() {
    Map<String, byte[]> files = cluster.bucket().files(MODEL, upload.get("version").textValue());
    assertThat(files.keySet()).isEqualTo(FILES.keySet());
    files.forEach((path, bytes) -> assertThat(bytes).as(path).isEqualTo(FILES.get(path)));
  }

  @Test
  @Order(3)
  void secondUploadSendsNothing() {
    Map<String, Long> before = cluster.bucket().list("");
    JsonNode again = uploadAgain();
    assertThat(again.get("version")).isEqualTo(upload.get("version"));
    assertThat(again.get("sent")).isEqualTo(Api.object("shards", 0, "bytes", 0));
    assertThat(again.get("reused").get("bytes").longValue()).isEqualTo(upload.get("S").longValue());
    assertThat(again.get("reused").get("shards").intValue()).isEqualTo(stored.size());
    assertThat(cluster.bucket().shards()).isEqualTo(select(before, "shards/"));
    assertThat(cluster.bucket().list("skeletons/")).isEqualTo(select(before, "skeletons/"));
  }

  @Test
  @Order(4)
  void loadSumsUpToTheTotal() {
    JsonNode load = cluster.api().load(MODEL);
    JsonNode model = cluster.api().model(MODEL);
    Models.assertWholeLoad(load, model, alive());
    int n = load.get("N").intValue();
    assertThat(n).isEqualTo(stored.size());
    assertThat(load.get("P").intValue()).isEqualTo(4);
    assertThat(load.get("T").intValue()).isEqualTo(Math.ceilDiv(n, 4));
    Map<Integer, String> placed = placement(load);
    model
        .get("shards")
        .forEach(
            shard ->
                assertThat(shard.get("workers"))
                    .as(shard.toString())
                    .extracting(JsonNode::textValue)
                    .containsExactly(placed.get(shard.get("index").intValue())));
    Await.untilTrue(
        "the heartbeats to tell of used memory", () -> used() >= load.get("L").longValue());
  }

  @Test
  @Order(5)
  void secondLoadFindsItInMemory() {
    cluster.api().load(MODEL);
    double reads = storeReads();
    JsonNode load = cluster.api().load(MODEL);
    Models.assertWholeLoad(load, cluster.api().model(MODEL), alive());
    load.get("workers")
        .forEach(
            worker ->
                assertThat(worker.get("shards"))
                    .allSatisfy(s -> assertThat(s.get("source").textValue()).isEqualTo("memory")));
    assertThat(storeReads()).isEqualTo(reads);
  }

  @Test
  @Order(6)
  void statisticsAreThoseOfTheFile() {
    cluster.api().load(MODEL);
    double reads = storeReads();
    JsonNode stats = cluster.api().stats(MODEL);
    Models.assertStats(stats, OnnxFile.read(FILES.get("model.onnx")));
    assertThat(stats.get("N").intValue()).isEqualTo(stored.size());
    assertThat(stats.get("P").intValue()).isEqualTo(4);
    long bytes = 0;
    for (JsonNode worker : stats.get("workers")) {
      bytes += worker.get("bytes").longValue();
    }
    assertThat(bytes).isPositive().isLessThanOrEqualTo(upload.get("S").longValue());
    assertThat(storeReads()).as("shards are computed on where they lie").isEqualTo(reads);
  }

  @Test
  @Order(7)
  void unloadFreesEverything() {
    cluster.api().load(MODEL);
    JsonNode unload = cluster.api().unload(MODEL);
    assertThat(unload.get("version")).isEqualTo(upload.get("version"));
    assertThat(unload.get("freedBytes").longValue())
        .isGreaterThanOrEqualTo(upload.get("S").longValue());
    long sum = 0;
    for (JsonNode worker : unload.get("workers")) {
      sum += worker.get("freedBytes").longValue();
    }
    assertThat(sum).isEqualTo(unload.get("freedBytes").longValue());
    cluster.awaitEmpty();
    assertThat(cluster.api().model(MODEL).get("shards"))
        .allSatisfy(shard -> assertThat(shard.get("workers")).isEmpty());
    assertThat(cluster.api().unload(MODEL).get("freedBytes").longValue()).isZero();
  }

  @Test
  @Order(8)
  void computesOnAModelThatIsNotLoadedAndKeepsNothing() {
    JsonNode stats = cluster.api().stats(MODEL, "tensors", List.of("*LayerNorm*"));
    Set<String> names = new HashSet<>();
    stats.get("result").get("tensors").fieldNames().forEachRemaining(names::add);
    assertThat(names).isNotEmpty().allMatch(name -> name.contains("LayerNorm"));
    cluster.awaitEmpty();
  }

  private static long used() {
    return cluster.api().workers().values().stream()
        .mapToLong(w -> w.get("budgetBytes").longValue() - w.get("freeBytes").longValue())
        .sum();
  }

  /** Reads of shards that any worker has made: neither HEAD nor manifests. */
  private static double storeReads() {
    return cluster.metric("sluice_store_bytes_total{operation=\"read\"");
  }

  private static Map<Integer, String> placement(JsonNode load) {
    Map<Integer, String> placed = new HashMap<>();
    for (JsonNode worker : load.get("workers")) {
      for (JsonNode shard : worker.get("shards")) {
        placed.put(shard.get("index").intValue(), worker.get("id").textValue());
      }
    }
    return placed;
  }

  private static Map<String, Long> select(Map<String, Long> objects, String start) {
    Map<String, Long> selected = new HashMap<>(objects);
    selected.keySet().removeIf(key -> !key.startsWith(start));
    return selected;
  }
}
