package io.sluice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How models are cut, where shards go, and what is loaded of them. */
class PlacementIT {
  private static final String EIGHT = "placement/eight";

  private static Cluster cluster;

  @BeforeAll
  static void eightShards() {
    cluster = Stack.sharedCluster();
    cluster.api().upload(source("eight", Models.uniform(11, 8, 1 << 18)), EIGHT, "shards", 8);
  }

  @AfterEach
  void empty() {
    cluster.unloadAll();
  }

  private static String source(String name, List<Synthetic> tensors) {
    return cluster
        .stack()
        .write("placement-" + name, Map.of("model.safetensors", SafetensorsFile.write(tensors)))
        .toUri()
        .toString();
  }

  @ParameterizedTest
  @CsvSource({"1", "3", "7"})
  void strategyCountMakesThatManyShardsOfAboutOneSize(int shards) {
    List<Synthetic> tensors = Models.transformer(12, 4, 96);
    JsonNode upload =
        cluster
            .api()
            .upload(
                source("count", tensors),
                "placement/count:n" + shards,
                "strategy",
                "count",
                "shards",
                shards);
    assertThat(upload.get("shards").intValue()).isEqualTo(shards);
    JsonNode model = cluster.api().model("placement/count?tag=n" + shards);
    assertThat(model.get("plan").get("strategy").textValue()).isEqualTo("count");
    long fair = model.get("S").longValue() / shards;
    assertThat(model.get("shards"))
        .allSatisfy(s -> assertThat(s.get("size").longValue()).isBetween(fair / 2, fair * 2));
  }

  @Test
  void strategySizeKeepsShardsWithinTheirSize() {
    List<Synthetic> tensors = Models.transformer(13, 5, 128);
    int shardBytes = 100_000;
    cluster.api().upload(source("size", tensors), "placement/size", "shardBytes", shardBytes);
    JsonNode model = cluster.api().model("placement/size");
    long header = 16 << 10;
    assertThat(model.get("shards").size()).isGreaterThan(5);
    assertThat(model.get("shards"))
        .allSatisfy(
            s -> assertThat(s.get("size").longValue()).isLessThanOrEqualTo(shardBytes + header));
    assertThat(model.get("plan").get("shardBytes").longValue()).isEqualTo(shardBytes);
  }

  @Test
  void strategyLayerGroupsTheTensorsOfALayer() {
    List<Synthetic> tensors = Models.transformer(14, 3, 64);
    cluster.api().upload(source("layer", tensors), "placement/layer", "strategy", "layer");
    JsonNode model = cluster.api().model("placement/layer");
    Map<Integer, Set<String>> layersOf = new HashMap<>();
    for (JsonNode tensor : model.get("tensors")) {
      String layer =
          tensor.has("layer")
              ? tensor.get("layer").asText()
              : tensor.get("name").textValue().startsWith("model.embed") ? "before" : "after";
      tensor
          .get("pieces")
          .forEach(
              p ->
                  layersOf
                      .computeIfAbsent(p.get("shard").intValue(), s -> new TreeSet<>())
                      .add(layer));
    }
    assertThat(layersOf.values())
        .containsExactlyInAnyOrder(
            Set.of("before"), Set.of("0"), Set.of("1"), Set.of("2"), Set.of("after"));
  }

  @ParameterizedTest
  @CsvSource({"2,4", "3,3", "4,2", "8,1", "100,1"})
  void tasksPerWorkerGivesTheNumberOfWorkers(int tasksPerWorker, int workers) {
    JsonNode load = cluster.api().load(EIGHT, "tasksPerWorker", tasksPerWorker);
    Models.assertWholeLoad(load, cluster.api().model(EIGHT), cluster.api().workers().keySet());
    assertThat(load.get("N").intValue()).isEqualTo(8);
    assertThat(load.get("T").intValue()).isEqualTo(tasksPerWorker);
    assertThat(load.get("P").intValue()).isEqualTo(workers);
    assertThat(load.get("workers"))
        .allSatisfy(w -> assertThat(w.get("shards").size()).isLessThanOrEqualTo(tasksPerWorker));
  }

  @Test
  void computeKeepsToTasksPerWorkerToo() {
    JsonNode stats = cluster.api().stats(EIGHT, "tasksPerWorker", 4);
    assertThat(stats.get("N").intValue()).isEqualTo(8);
    assertThat(stats.get("T").intValue()).isEqualTo(4);
    assertThat(stats.get("P").intValue()).isEqualTo(2);
  }

  @Test
  void moreWorkersThanThereAreAreRefused() {
    JsonNode load = Api.object("model", EIGHT, "tasksPerWorker", 1);
    JsonNode problem = Api.problem(cluster.api().post("/load", load), 400, "placement-invalid");
    assertThat(problem.get("detail").textValue()).contains("need 8 workers, 4 live");
  }

  @Test
  void globsLoadOnlyTheChunksThatTheyNeed() {
    Random random = new Random(15);
    List<Synthetic> tensors =
        List.of(
            Synthetic.weights("a.weight", random, 1000, 100),
            Synthetic.weights("b.weight", random, 500, 100),
            Synthetic.weights("b.bias", random, 100),
            Synthetic.weights("c.weight", random, 1000, 100));
    int chunk = 1 << 16;
    cluster
        .api()
        .upload(source("globs", tensors), "placement/globs", "shards", 2, "chunkBytes", chunk);
    JsonNode model = cluster.api().model("placement/globs");
    Map<Integer, Long> expected = chunksOf(model, name -> name.startsWith("b."), chunk);
    JsonNode load = cluster.api().load("placement/globs", "tensors", List.of("b.*"));
    Models.assertLoad(load, expected, cluster.api().workers().keySet());
    assertThat(load.get("L").longValue()).isLessThan(load.get("S").longValue() / 2);

    JsonNode whole = cluster.api().load("placement/globs");
    Models.assertWholeLoad(whole, model, cluster.api().workers().keySet());

    JsonNode stats = cluster.api().stats("placement/globs", "tensors", List.of("?.bias", "a.*"));
    Models.assertStats(stats, List.of(tensors.get(0), tensors.get(2)));
    assertThat(cluster.api().unload("placement/globs").get("freedBytes").longValue())
        .isGreaterThanOrEqualTo(whole.get("L").longValue());
  }

  @Test
  void globsThatMatchNothingAreRefused() {
    JsonNode load = Api.object("model", EIGHT, "tensors", List.of("t.*", "no.such"));
    JsonNode problem = Api.problem(cluster.api().post("/load", load), 400, "tensors-unknown");
    assertThat(problem.get("detail").textValue()).contains("no.such");
  }

  /** Bytes of the chunks of each shard that hold something of the wanted tensors. */
  private static Map<Integer, Long> chunksOf(
      JsonNode model, java.util.function.Predicate<String> wanted, int chunk) {
    Map<Integer, Set<Long>> chunks = new HashMap<>();
    for (JsonNode tensor : model.get("tensors")) {
      if (wanted.test(tensor.get("name").textValue())) {
        for (JsonNode piece : tensor.get("pieces")) {
          long first = piece.get("offset").longValue() / chunk;
          long last =
              (piece.get("offset").longValue() + piece.get("bytes").longValue() - 1) / chunk;
          for (long c = first; c <= last; c++) {
            chunks.computeIfAbsent(piece.get("shard").intValue(), s -> new HashSet<>()).add(c);
          }
        }
      }
    }
    Map<Integer, Long> bytes = new HashMap<>();
    chunks.forEach(
        (shard, set) -> {
          long size = model.get("shards").get(shard).get("size").longValue();
          bytes.put(shard, set.stream().mapToLong(c -> Math.min(chunk, size - c * chunk)).sum());
        });
    return bytes;
  }
}
