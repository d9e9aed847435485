package io.sluice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Workers die by SIGKILL in the middle of jobs: the job goes on without them. */
class WorkerLossIT {
  private static final int TENSORS = 1000;
  private static final int UPLOADED_TENSORS = 400;
  private static final int WORKERS = 3;
  private static final String MODEL = "loss/m";

  private static Cluster cluster;
  private static List<Synthetic> tensors;
  private static String source;

  /** Who dies. */
  enum Victim {
    /** The worker that took the request and started the job. */
    COORDINATOR,
    /** A worker that was asked to help. */
    HELPER
  }

  @BeforeAll
  static void start() {
    // One task at a time and many of them, so that a job lasts long enough to be caught at it;
    // short leases, so that what a dead worker held is free again soon.
    cluster =
        Cluster.start(
            Stack.shared(),
            "loss",
            WORKERS,
            256 << 20,
            Map.of(
                "SLUICE_JOB_PARALLELISM", "1",
                "SLUICE_JOB_LEASE", "3s",
                "SLUICE_WORKER_HEARTBEAT", "500ms",
                "SLUICE_WORKER_TTL", "3s"));
    tensors = Models.uniform(71, TENSORS, 16 << 10);
    source = source("model", tensors);
    cluster.api().upload(source, MODEL, "shardBytes", 16 << 10, "chunkBytes", 1 << 16);
  }

  private static String source(String name, List<Synthetic> content) {
    return cluster
        .stack()
        .write("loss-" + name, Map.of("m.safetensors", SafetensorsFile.write(content)))
        .toUri()
        .toString();
  }

  @BeforeEach
  void allWorkersLive() {
    allWorkersStart();
  }

  private static void allWorkersStart() {
    cluster.startWorkers(WORKERS - cluster.workers().size());
    cluster.awaitOnlyLiving();
  }

  @AfterEach
  void empty() {
    cluster.awaitOnlyLiving();
    cluster.unloadAll();
  }

  @AfterAll
  static void stop() {
    cluster.close();
  }

  /**
   * Starts a job, kills a worker while tasks are being done, and returns the job's result as a
   * survivor tells it; nothing if the job was over before the worker was dead, which happens when
   * this process has to wait for a processor.
   */
  private static Optional<JsonNode> resultWithout(Victim victim, String path, ObjectNode request) {
    allWorkersStart();
    List<Cluster.Worker> workers = cluster.workers();
    Cluster.Worker coordinator = workers.getFirst();
    Cluster.Worker dying = victim == Victim.COORDINATOR ? coordinator : workers.getLast();
    Cluster.Worker survivor = workers.get(1);
    String id = coordinator.api().start(path, request);
    Await.untilTrue(
        "a tenth of the tasks to be done",
        () -> {
          JsonNode tasks = survivor.api().job(id).get("tasks");
          int total = tasks.get("total").intValue();
          return total > 0 && tasks.get("done").intValue() >= total / 10;
        });
    dying.kill();
    if (Api.isOver(survivor.api().job(id))) {
      cluster.awaitOnlyLiving();
      cluster.unloadAll();
      return Optional.empty();
    }
    JsonNode result = survivor.api().awaitResult(id);
    JsonNode tasks = survivor.api().job(id).get("tasks");
    assertThat(tasks.get("done")).isEqualTo(tasks.get("total"));
    return Optional.of(result);
  }

  /** Of a few attempts, the first one that came in time. */
  private static <T> T inTheMiddle(IntFunction<Optional<T>> attempts) {
    return IntStream.range(0, 5)
        .mapToObj(attempts)
        .flatMap(Optional::stream)
        .findFirst()
        .orElseThrow(() -> new AssertionError("every job was over before its worker was dead"));
  }

  private static Set<String> survivors() {
    return cluster.workers().stream().map(Cluster.Worker::id).collect(Collectors.toSet());
  }

  @ParameterizedTest
  @EnumSource
  void uploadSucceeds(Victim victim) {
    inTheMiddle(attempt -> uploaded(victim, attempt));
  }

  private static Optional<JsonNode> uploaded(Victim victim, int attempt) {
    String name = "upload-" + victim.name().toLowerCase(java.util.Locale.ROOT) + "-" + attempt;
    List<Synthetic> content =
        Models.uniform(72 + 10 * attempt + victim.ordinal(), UPLOADED_TENSORS, 16 << 10);
    String from = source(name, content);
    Set<String> before = cluster.bucket().shards().keySet();
    Optional<JsonNode> upload =
        resultWithout(
            victim,
            "/upload",
            Api.object(
                "source",
                from,
                "model",
                "loss/" + name,
                "shardBytes",
                16 << 10,
                "chunkBytes",
                1 << 16));
    upload.ifPresent(
        result -> {
          Map<String, Long> sent = cluster.bucket().shards();
          sent.keySet().removeAll(before);
          assertThat(result.get("S").longValue())
              .isEqualTo(sent.values().stream().mapToLong(Long::longValue).sum());
          assertThat(result.get("shards").intValue()).isEqualTo(UPLOADED_TENSORS);
          byte[] file =
              cluster
                  .bucket()
                  .files("loss/" + name, result.get("version").textValue())
                  .get("m.safetensors");
          assertThat(file).isEqualTo(SafetensorsFile.write(content));
        });
    return upload;
  }

  @ParameterizedTest
  @EnumSource
  void loadSucceedsAndEveryShardIsHeldByTheLiving(Victim victim) {
    JsonNode load =
        inTheMiddle(attempt -> resultWithout(victim, "/load", Api.object("model", MODEL)));
    JsonNode model = cluster.api().model(MODEL);
    assertThat(survivors()).hasSize(WORKERS - 1);
    Models.assertWholeLoad(load, model, survivors());
    cluster.awaitOnlyLiving();
    for (JsonNode shard : cluster.api().model(MODEL).get("shards")) {
      Set<String> holders = new HashSet<>();
      shard.get("workers").forEach(id -> holders.add(id.textValue()));
      holders.retainAll(survivors());
      assertThat(holders).as(shard.toString()).isNotEmpty();
    }
  }

  @ParameterizedTest
  @EnumSource
  void computeSucceedsAndIsRight(Victim victim) {
    JsonNode stats =
        inTheMiddle(
            attempt ->
                resultWithout(
                    victim, "/compute", Api.object("model", MODEL, "operation", "stats")));
    assertThat(stats.get("N").intValue()).isEqualTo(TENSORS);
    Models.assertStats(stats, tensors);
  }

  @Test
  void jobGoesOnWhenItsCoordinatorDiesAtOnce() {
    List<Cluster.Worker> workers = cluster.workers();
    String id = workers.getFirst().api().start("/load", Api.object("model", MODEL));
    workers.getFirst().kill();
    JsonNode load = workers.getLast().api().awaitResult(id);
    Models.assertWholeLoad(load, cluster.api().model(MODEL), survivors());
  }

  @Test
  void loadOfADeadWorkerIsLoadedAnewByTheOthers() {
    Models.assertWholeLoad(cluster.api().load(MODEL), cluster.api().model(MODEL), survivors());
    cluster.workers().getLast().kill();
    cluster.awaitOnlyLiving();
    JsonNode load = cluster.api().load(MODEL);
    Models.assertWholeLoad(load, cluster.api().model(MODEL), survivors());
    List<String> sources = new ArrayList<>();
    for (JsonNode worker : load.get("workers")) {
      worker.get("shards").forEach(s -> sources.add(s.get("source").textValue()));
    }
    assertThat(sources).as("what the living hold stays").contains("memory", "store");
  }
}
