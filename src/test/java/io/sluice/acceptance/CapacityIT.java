package io.sluice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Two workers of 4 MiB, and a model of 16 MiB. */
class CapacityIT {
  private static final String MODEL = "capacity/large";
  private static final List<Synthetic> TENSORS = Models.uniform(21, 16, 1 << 20);

  private static Cluster cluster;

  @BeforeAll
  static void start() {
    cluster =
        Cluster.start(
            Stack.shared(), "capacity", 2, 4 << 20, Map.of("SLUICE_UPLOAD_MEMORY", "16M"));
    String source =
        cluster
            .stack()
            .write("capacity", Map.of("m.safetensors", SafetensorsFile.write(TENSORS)))
            .toUri()
            .toString();
    cluster.api().upload(source, MODEL, "shardBytes", 1 << 20, "chunkBytes", 1 << 18);
  }

  @AfterEach
  void empty() {
    cluster.unloadAll();
  }

  @AfterAll
  static void stop() {
    cluster.close();
  }

  @Test
  void loadThatDoesNotFitIsRefusedBeforeAByteMoves() {
    Map<String, Long> free = cluster.freeBytes();
    double reads = cluster.metric("sluice_store_requests_seconds_count{operation=\"read\"");
    JsonNode problem =
        Api.problem(
            cluster.api().post("/load", Api.object("model", MODEL)), 507, "placement-does-not-fit");
    assertThat(problem.get("kind").textValue()).isEqualTo("CAPACITY");
    assertThat(problem.get("detail").textValue()).contains("16 shards");
    double manifests = cluster.metric("sluice_store_requests_seconds_count{operation=\"read\"");
    // Who plans reads the manifest if it has not yet; no shard is read.
    assertThat(manifests - reads).isLessThanOrEqualTo(1);
    cluster.awaitEmpty();
    assertThat(cluster.freeBytes()).isEqualTo(free);
  }

  @Test
  void partThatFitsIsLoaded() {
    JsonNode load =
        cluster.api().load(MODEL, "tensors", List.of("t.00001", "t.00004", "t.00007", "t.00011"));
    assertThat(load.get("N").intValue()).isEqualTo(4);
    assertThat(load.get("L").longValue()).isLessThan(load.get("S").longValue());
    cluster.api().unload(MODEL);
    cluster.awaitEmpty();
  }

  @Test
  void computesOnAModelLargerThanAllMemory() {
    JsonNode stats = cluster.api().stats(MODEL);
    Models.assertStats(stats, TENSORS);
    cluster.awaitEmpty();
  }

  @Test
  void shardLargerThanTheUploadMemoryIsRefused() {
    String source =
        cluster
            .stack()
            .write(
                "capacity-shard",
                Map.of("m.safetensors", SafetensorsFile.write(Models.uniform(22, 1, 17 << 20))))
            .toUri()
            .toString();
    JsonNode upload = Api.object("source", source, "model", "capacity/shard", "shards", 1);
    JsonNode problem =
        Api.problem(cluster.api().post("/upload", upload), 507, "upload-memory-too-small");
    assertThat(problem.get("detail").textValue()).contains(Long.toString(16 << 20));
  }
}
