package io.sluice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A worker dies by SIGKILL in the middle of a product: the others find the same answer. */
class ProductsLossIT {
  private static final int WORKERS = 4;
  private static final int ROWS = 48_000;
  private static final int COLUMNS = 64;
  private static final String MODEL = "products/loss";

  private static Cluster cluster;

  @BeforeAll
  static void start() {
    cluster =
        Cluster.start(
            Stack.shared(),
            "products",
            WORKERS,
            256 << 20,
            Map.of(
                "SLUICE_JOB_PARALLELISM", "1",
                "SLUICE_JOB_LEASE", "3s",
                "SLUICE_WORKER_HEARTBEAT", "500ms",
                "SLUICE_WORKER_TTL", "3s"));
    Random random = new Random(43);
    byte[] file =
        SafetensorsFile.write(
            List.of(
                Synthetic.weights("w", random, ROWS, COLUMNS),
                Synthetic.weights("x", random, 5, COLUMNS)));
    String source =
        cluster.stack().write("products-loss", Map.of("m.safetensors", file)).toUri().toString();
    cluster.api().upload(source, MODEL, "shardBytes", 32 << 10, "chunkBytes", 1 << 16);
  }

  @BeforeEach
  void allWorkersLive() {
    cluster.startWorkers(WORKERS - cluster.workers().size());
    cluster.awaitOnlyLiving();
  }

  @AfterAll
  static void stop() {
    cluster.close();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'operation':'matmul','arguments':{'weight':'w','x':X}}",
        "{'operation':'matmul','arguments':{'weight':'w','x':X,'output':'products/loss-y'}}",
        "{'operation':'topk','arguments':{'matrix':'w','queries':X,'k':50}}"
      })
  void theAnswerIsTheSameWithoutTheDead(String text) {
    for (int attempt = 0; attempt < 5; attempt++) {
      if (isTheSameWithoutTheDead(text)) {
        return;
      }
      allWorkersLive();
    }
    throw new AssertionError("every job was over before its worker was dead");
  }

  /** False if the job was over before the worker was dead, as on a machine that is busy. */
  private static boolean isTheSameWithoutTheDead(String text) {
    ObjectNode request =
        (ObjectNode)
            Api.parse(
                text.replace("X", "{'model':'" + MODEL + "','tensor':'x'}").replace('\'', '"'));
    request.put("model", MODEL);
    JsonNode expected = Api.ok(cluster.api().post("/compute", request)).get("result");
    List<Cluster.Worker> workers = cluster.workers();
    String id = workers.getFirst().api().start("/compute", request);
    Api survivor = workers.get(1).api();
    Await.untilTrue(
        "a tenth of the tasks to be done",
        () -> {
          JsonNode tasks = survivor.job(id).get("tasks");
          int total = tasks.get("total").intValue();
          return total > 0 && tasks.get("done").intValue() >= total / 10;
        });
    workers.getFirst().kill();
    if (Api.isOver(survivor.job(id))) {
      return false;
    }
    JsonNode answer = survivor.awaitResult(id);
    assertThat(answer.get("N").intValue()).isGreaterThan(250);
    assertThat(answer.get("result")).isEqualTo(expected);
    return true;
  }
}
