package io.sluice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Redis is emptied: it only ever said what is happening, the bucket says what exists. */
class RedisLossIT {
  private static Stack stack;
  private static Cluster cluster;

  @BeforeAll
  static void start() {
    // Of its own: what is flushed is everything.
    stack = Stack.start();
    cluster = Cluster.start(stack, "redis-loss", 2, 256 << 20, Map.of());
  }

  @AfterAll
  static void stop() {
    stack.close();
  }

  @Test
  void modelsTagsAndWorkersComeBack() {
    Api api = cluster.api();
    List<Synthetic> tensors = Models.transformer(81, 3, 64);
    String source = source("one", tensors);
    String one = api.upload(source, "loss/m:v1", "shards", 5).get("version").textValue();
    String two =
        api.upload(source("two", Models.transformer(82, 3, 64)), "loss/m:v1", "shards", 5)
            .get("version")
            .textValue();
    api.upload(source, "other", "shards", 5);
    JsonNode models = Api.ok(api.get("/models"));
    JsonNode model = api.model("loss/m?tag=v1");
    assertThat(model.get("version").textValue()).isEqualTo(two).isNotEqualTo(one);
    api.load("other");

    assertThat(stack.redis("FLUSHALL")).isEqualTo("+OK");

    assertThat(Api.ok(api.get("/models"))).isEqualTo(models);
    assertThat(api.model("loss/m?tag=v1")).isEqualTo(model);
    Await.untilTrue("both workers to register again", () -> api.workers().size() == 2);
    // What they hold in memory they still hold, and tell.
    JsonNode load = api.load("other");
    Models.assertWholeLoad(load, api.model("other"), api.workers().keySet());
    for (JsonNode worker : load.get("workers")) {
      assertThat(worker.get("shards"))
          .allSatisfy(s -> assertThat(s.get("source").textValue()).isEqualTo("memory"));
    }
    Models.assertStats(api.stats("loss/m@" + one), tensors);
    // Tags go on from where they were.
    String again =
        api.upload(source, "loss/m:v1", "shards", 5, "expect", two).get("version").textValue();
    assertThat(again).isEqualTo(one);
    assertThat(api.model("loss/m?tag=v1").get("version").textValue()).isEqualTo(one);
    cluster.unloadAll();
  }

  private static String source(String name, List<Synthetic> tensors) {
    return stack
        .write(name, Map.of("m.safetensors", SafetensorsFile.write(tensors)))
        .toUri()
        .toString();
  }
}
