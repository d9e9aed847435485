package io.sluice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Files that are not what they say they are: each is refused with a clear error, and none makes a
 * worker end or take the memory that the file claims to need.
 */
class MalformedIT {
  private static final Cluster CLUSTER = Stack.sharedCluster();

  /** What a worker of 256 MB of heap may grow by while it reads small files. */
  private static final long GROWTH = 400L << 20;

  private static Map<String, Long> before;

  @BeforeAll
  static void measure() throws IOException {
    before = residentBytes();
  }

  @AfterAll
  static void workersLiveAndAreNoLarger() throws IOException {
    Map<String, Long> after = residentBytes();
    assertThat(after.keySet()).isEqualTo(before.keySet()).hasSize(4);
    after.forEach(
        (id, bytes) -> assertThat(bytes - before.get(id)).as("growth of " + id).isLessThan(GROWTH));
    for (Cluster.Worker worker : CLUSTER.workers()) {
      assertThat(worker.logText()).doesNotContain("OutOfMemoryError");
    }
    CLUSTER.awaitEmpty();
  }

  static List<MalformedFiles.Malformed> malformed() {
    return MalformedFiles.all();
  }

  @Test
  void thereAreThirtyAtLeast() {
    assertThat(MalformedFiles.all().size()).isGreaterThanOrEqualTo(30);
  }

  @ParameterizedTest
  @MethodSource("malformed")
  void isRefused(MalformedFiles.Malformed malformed) {
    Map<String, Long> stored = CLUSTER.bucket().list("");
    String folder = "malformed-" + Integer.toHexString(malformed.name().hashCode());
    Path source = CLUSTER.stack().write(folder, malformed.files());
    JsonNode problem =
        Api.problem(
            CLUSTER
                .api()
                .post(
                    "/upload",
                    Api.object("source", source.toUri().toString(), "model", "malformed/m")),
            400,
            malformed.code());
    assertThat(problem.get("kind").textValue()).isEqualTo("INVALID");
    assertThat(malformed.files().keySet())
        .as("names the file: " + problem)
        .anyMatch(problem.get("detail").textValue()::contains);
    assertThat(CLUSTER.bucket().list("")).as("nothing is stored of it").isEqualTo(stored);
    Api.problem(CLUSTER.api().get("/models/malformed/m"), 404, "model-missing");
  }

  /** Resident memory of each worker; empty where the system does not tell. */
  private static Map<String, Long> residentBytes() throws IOException {
    Map<String, Long> resident = new LinkedHashMap<>();
    for (Cluster.Worker worker : CLUSTER.workers()) {
      Path status = Path.of("/proc", Long.toString(worker.process().pid()), "status");
      long bytes = 0;
      if (Files.exists(status)) {
        for (String line : Files.readAllLines(status)) {
          if (line.startsWith("VmRSS:")) {
            bytes = Long.parseLong(line.replaceAll("[^0-9]", "")) << 10;
          }
        }
      }
      resident.put(worker.id(), bytes);
    }
    return resident;
  }
}
