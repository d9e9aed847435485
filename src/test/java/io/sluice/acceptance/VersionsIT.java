package io.sluice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Versions share shards, tags move, and each version stays what it was. */
class VersionsIT {
  private static final Cluster CLUSTER = Stack.sharedCluster();

  @AfterEach
  void empty() {
    CLUSTER.unloadAll();
  }

  private static String source(String name, List<Synthetic> tensors) {
    return CLUSTER
        .stack()
        .write(name, Map.of("model.safetensors", SafetensorsFile.write(tensors)))
        .toUri()
        .toString();
  }

  @Test
  void versionThatSharesTensorsSendsOnlyTheNewShards() {
    Api api = CLUSTER.api();
    List<Synthetic> first = Models.transformer(31, 8, 64);
    List<Synthetic> second = new ArrayList<>(first);
    Synthetic old = second.get(13);
    second.set(
        13, Synthetic.weights(old.name(), new Random(32), old.shape().get(0), old.shape().get(1)));

    JsonNode one = api.upload(source("v1", first), "versions/m:v1", "shardBytes", 40_000);
    Map<String, Long> before = CLUSTER.bucket().shards();
    JsonNode two = api.upload(source("v2", second), "versions/m:v2", "shardBytes", 40_000);
    Map<String, Long> sent = CLUSTER.bucket().shards();
    sent.keySet().removeAll(before.keySet());

    assertThat(one.get("sent").get("shards")).isEqualTo(one.get("shards"));
    assertThat(one.get("shards").intValue()).isGreaterThan(8);
    assertThat(two.get("sent").get("shards").intValue()).isEqualTo(sent.size()).isEqualTo(1);
    assertThat(two.get("sent").get("bytes").longValue())
        .isEqualTo(sent.values().stream().mapToLong(Long::longValue).sum());
    assertThat(two.get("reused").get("shards").intValue())
        .isEqualTo(two.get("shards").intValue() - 1);
    assertThat(two.get("version")).isNotEqualTo(one.get("version"));

    // Both versions load; what they share lies in memory once.
    JsonNode loadedOne = api.load("versions/m:v1");
    JsonNode loadedTwo = api.load("versions/m@" + two.get("version").textValue());
    assertThat(loadedOne.get("L")).isEqualTo(one.get("S"));
    assertThat(loadedTwo.get("L")).isEqualTo(two.get("S"));
    int fromStore = 0;
    for (JsonNode worker : loadedTwo.get("workers")) {
      for (JsonNode shard : worker.get("shards")) {
        fromStore += shard.get("source").textValue().equals("store") ? 1 : 0;
      }
    }
    assertThat(fromStore).isEqualTo(1);

    // What the other version still needs stays.
    assertThat(api.unload("versions/m:v1").get("freedBytes").longValue())
        .isLessThan(one.get("S").longValue() / 2);
    Models.assertStats(api.stats("versions/m:v2"), second);
    api.unload("versions/m:v2");
    CLUSTER.awaitEmpty();
    Models.assertStats(api.stats("versions/m:v1"), first);
  }

  @Test
  void tagsMoveAndVersionsStay() {
    Api api = CLUSTER.api();
    String one =
        api.upload(source("t1", Models.transformer(33, 1, 32)), "tags-m")
            .get("version")
            .textValue();
    String two =
        api.upload(source("t2", Models.transformer(34, 1, 32)), "tags-m", "expect", one)
            .get("version")
            .textValue();
    assertThat(api.model("tags-m").get("version").textValue()).isEqualTo(two);
    assertThat(api.model("tags-m?tag=latest").get("version").textValue()).isEqualTo(two);
    assertThat(api.model("tags-m?version=" + one).get("version").textValue()).isEqualTo(one);

    JsonNode listed = listed(api, "tags-m");
    assertThat(listed.get("tags")).isEqualTo(Api.object("latest", two));
    assertThat(listed.get("versions"))
        .extracting(v -> v.get("version").textValue())
        .containsExactlyInAnyOrder(one, two);

    // The tag is where it was expected no more: whoever loses a race is told so.
    ObjectNode late =
        Api.object(
            "source",
            source("t3", Models.transformer(35, 1, 32)),
            "model",
            "tags-m",
            "expect",
            one);
    Api.problem(api.post("/upload", late), 409, "tag-moved");
    assertThat(api.model("tags-m").get("version").textValue()).isEqualTo(two);
  }

  @Test
  void equalContentIsAnEqualVersionUnderAnyName() {
    Api api = CLUSTER.api();
    String source = source("same", Models.transformer(36, 2, 32));
    JsonNode one = api.upload(source, "same/a");
    JsonNode two = api.upload(source, "same/b");
    assertThat(two.get("version")).isEqualTo(one.get("version"));
    assertThat(two.get("sent").get("shards").intValue()).isZero();
    Map<String, String> found = new HashMap<>();
    Api.ok(api.get("/models"))
        .get("models")
        .forEach(
            m -> found.put(m.get("name").textValue(), m.get("tags").path("latest").asText("none")));
    assertThat(found)
        .containsEntry("same/a", one.get("version").textValue())
        .containsEntry("same/b", one.get("version").textValue());
  }

  private static JsonNode listed(Api api, String name) {
    for (JsonNode model : Api.ok(api.get("/models")).get("models")) {
      if (model.get("name").textValue().equals(name)) {
        return model;
      }
    }
    throw new AssertionError(name + " is not listed");
  }
}
