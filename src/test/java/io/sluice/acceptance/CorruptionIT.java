package io.sluice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What lies in the bucket is not what was put there. */
class CorruptionIT {
  private static final int CHUNK = 1 << 16;

  private static Cluster cluster;

  @BeforeAll
  static void start() {
    cluster =
        Cluster.start(
            Stack.shared(), "corruption", 2, 256 << 20, Map.of("SLUICE_RETRY_ATTEMPTS", "2"));
  }

  @AfterEach
  void empty() {
    cluster.unloadAll();
  }

  @AfterAll
  static void stop() {
    cluster.close();
  }

  private static String upload(String name, long seed) {
    String source =
        cluster
            .stack()
            .write(
                "corruption-" + name,
                Map.of("m.safetensors", SafetensorsFile.write(Models.uniform(seed, 6, 200_000))))
            .toUri()
            .toString();
    cluster.api().upload(source, "corruption/" + name, "shards", 3, "chunkBytes", CHUNK);
    return source;
  }

  private static String digest(JsonNode model, int shard) {
    return model.get("shards").get(shard).get("digest").textValue();
  }

  @Test
  void flippedByteIsFoundNamedAndRefused() {
    Api api = cluster.api();
    upload("byte", 41);
    JsonNode model = api.model("corruption/byte");
    String key = Bucket.shardKey(digest(model, 1));
    byte[] object = cluster.bucket().get(key);
    byte[] wrong = object.clone();
    wrong[3 * CHUNK + 17] ^= 1;
    cluster.bucket().overwrite(key, wrong);

    for (String path : List.of("/load", "/compute")) {
      JsonNode body =
          path.equals("/load")
              ? Api.object("model", "corruption/byte")
              : Api.object("model", "corruption/byte", "operation", "stats");
      JsonNode problem = Api.problem(api.post(path, body), 502, "shard-corrupt");
      assertThat(problem.get("kind").textValue()).isEqualTo("CORRUPT");
      assertThat(problem.get("detail").textValue()).contains("chunk 3").contains(key);
      assertThat(api.model("corruption/byte").get("shards").get(1).get("workers"))
          .as("nobody holds the corrupt shard")
          .isEmpty();
    }
    // The tensors whose chunks are sound still load.
    JsonNode sound = api.load("corruption/byte", "tensors", List.of("t.00000"));
    assertThat(sound.get("N").intValue()).isEqualTo(1);
    cluster.bucket().overwrite(key, object);
    JsonNode load = api.load("corruption/byte");
    Models.assertWholeLoad(load, model, api.workers().keySet());
    api.unload("corruption/byte");
    cluster.awaitEmpty();
  }

  @Test
  void unloadFreesWhatAFailedLoadHadLoaded() {
    Api api = cluster.api();
    upload("memory", 42);
    JsonNode model = api.model("corruption/memory");
    String key = Bucket.shardKey(digest(model, 2));
    byte[] wrong = cluster.bucket().get(key);
    wrong[wrong.length - 1] ^= (byte) 0x80;
    cluster.bucket().overwrite(key, wrong);
    Api.problem(api.post("/load", Api.object("model", "corruption/memory")), 502, "shard-corrupt");
    api.unload("corruption/memory");
    cluster.awaitEmpty();
  }

  @Test
  void shortenedShardIsRefused() {
    Api api = cluster.api();
    upload("short", 43);
    String key = Bucket.shardKey(digest(api.model("corruption/short"), 0));
    byte[] object = cluster.bucket().get(key);
    cluster.bucket().overwrite(key, java.util.Arrays.copyOf(object, object.length - 100));
    JsonNode problem =
        Api.problem(
            api.post("/load", Api.object("model", "corruption/short")), 502, "shard-corrupt");
    assertThat(problem.get("detail").textValue()).contains(key);
  }

  @Test
  void missingShardIsNamedAndUploadedAnew() {
    Api api = cluster.api();
    String source = upload("missing", 44);
    JsonNode model = api.model("corruption/missing");
    String key = Bucket.shardKey(digest(model, 1));
    cluster.bucket().delete(key);
    JsonNode problem =
        Api.problem(
            api.post("/load", Api.object("model", "corruption/missing")), 502, "shard-missing");
    assertThat(problem.get("detail").textValue()).contains(key);

    JsonNode again = api.upload(source, "corruption/missing", "shards", 3, "chunkBytes", CHUNK);
    assertThat(again.get("version")).isEqualTo(model.get("version"));
    assertThat(again.get("sent").get("shards").intValue()).isEqualTo(1);
    Models.assertWholeLoad(api.load("corruption/missing"), model, api.workers().keySet());
    api.unload("corruption/missing");
    cluster.awaitEmpty();
  }
}
