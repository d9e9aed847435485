package io.sluice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.acceptance.Events.Event;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Jobs as documents: started, watched, listed, cancelled. In a cluster of its own, for the tasks of
 * a cancelled upload may still store a shard when the next test looks at the bucket.
 */
class JobsIT {
  private static Cluster cluster;

  @BeforeAll
  static void start() {
    cluster = Cluster.start(Stack.shared(), "jobs", 4, 256 << 20, Map.of());
  }

  @AfterAll
  static void stop() {
    cluster.close();
  }

  @AfterEach
  void empty() {
    cluster.unloadAll();
  }

  /** An upload of that many tasks of a kilobyte. */
  private static ObjectNode upload(String name, long seed, int tasks) {
    String source =
        cluster
            .stack()
            .write(
                "jobs-" + name,
                Map.of("m.safetensors", SafetensorsFile.write(Models.uniform(seed, tasks, 1024))))
            .toUri()
            .toString();
    return Api.object("source", source, "model", "jobs/" + name, "shardBytes", 1024);
  }

  @Test
  void jobGoesFromPlanToResult() {
    Api api = cluster.api();
    ObjectNode request = upload("steps", 51, 20);
    Instant before = Instant.now().minusSeconds(1);
    JsonNode started = Api.ok(api.post("/upload", request.deepCopy().put("wait", false)));
    String id = started.get("id").textValue();
    assertThat(started.get("kind").textValue()).isEqualTo("upload");
    assertThat(started.get("request").get("source")).isEqualTo(request.get("source"));
    assertThat(Instant.parse(started.get("createdAt").textValue())).isAfter(before);

    JsonNode job = api.awaitJob(id);
    assertThat(job.get("state").textValue()).isEqualTo("succeeded");
    // 20 shards and the file.
    assertThat(job.get("tasks")).isEqualTo(Api.object("total", 21, "done", 21));
    assertThat(job.get("bytes").get("done")).isEqualTo(job.get("bytes").get("total"));
    assertThat(job.get("bytes").get("total").longValue())
        .isGreaterThanOrEqualTo(job.get("result").get("S").longValue());
    assertThat(job.has("error")).isFalse();
    assertThat(Instant.parse(job.get("updatedAt").textValue())).isAfter(before);
    // Every worker knows it, and it is what the model is now.
    for (Cluster.Worker worker : cluster.workers()) {
      assertThat(worker.api().job(id)).isEqualTo(job);
    }
    assertThat(api.model("jobs/steps").get("version")).isEqualTo(job.get("result").get("version"));
    List<String> listed = new ArrayList<>();
    for (JsonNode one : Api.ok(api.get("/jobs?limit=1000")).get("jobs")) {
      listed.add(one.get("id").textValue());
      assertThat(one.get("state").textValue()).isNotBlank();
    }
    assertThat(listed).contains(id);
  }

  @Test
  void listHasTheNewestFirst() {
    Api api = cluster.api();
    String older = api.start("/upload", upload("older", 52, 2));
    String newer = api.start("/upload", upload("newer", 53, 2));
    api.awaitResult(older);
    api.awaitResult(newer);
    JsonNode two = Api.ok(api.get("/jobs?limit=2")).get("jobs");
    assertThat(two).extracting(job -> job.get("id").textValue()).containsExactly(newer, older);
    assertThat(Api.ok(api.get("/jobs?limit=1")).get("jobs")).hasSize(1);
  }

  @Test
  void failureIsPartOfTheJob() {
    Api api = cluster.api();
    String id = api.start("/load", Api.object("model", "jobs/no-such"));
    JsonNode job = api.awaitJob(id);
    assertThat(job.get("state").textValue()).isEqualTo("failed");
    assertThat(job.get("error").get("kind").textValue()).isEqualTo("MISSING");
    assertThat(job.get("error").get("code").textValue()).isEqualTo("model-missing");
    assertThat(job.get("error").get("detail").textValue()).contains("jobs/no-such");
    assertThat(job.has("result")).isFalse();
    List<Event> events = Events.of(api, id, Optional.empty());
    assertThat(events.getLast().type()).isEqualTo("state");
    assertThat(events.getLast().data().get("state").textValue()).isEqualTo("failed");
    assertThat(events.getLast().data().get("code").textValue()).isEqualTo("model-missing");
  }

  @Test
  void cancelledJobStopsAndLeavesNoModel() {
    Api api = cluster.api();
    String id = api.start("/upload", upload("cancelled", 54, 3000));
    Await.untilTrue(
        "the first task to be done", () -> api.job(id).get("tasks").get("done").intValue() > 0);
    JsonNode cancelled = Api.ok(api.post("/jobs/" + id + "/cancel", "{}"));
    assertThat(cancelled.get("state").textValue()).isEqualTo("cancelled");
    int done = cancelled.get("tasks").get("done").intValue();
    assertThat(done).isLessThan(cancelled.get("tasks").get("total").intValue());

    // A job that is over does not change, whoever asks.
    Api other = cluster.workers().getLast().api();
    assertThat(Api.ok(other.post("/jobs/" + id + "/cancel", "{}"))).isEqualTo(cancelled);
    List<Event> events = Events.of(other, id, Optional.empty());
    assertThat(events.getLast().data().get("state").textValue()).isEqualTo("cancelled");
    Api.problem(api.get("/models/jobs/cancelled"), 404, "model-missing");
    // The workers are free for others.
    assertThat(api.upload(upload("after", 55, 5).get("source").textValue(), "jobs/after"))
        .isNotEmpty();
    assertThat(api.job(id)).isEqualTo(cancelled);
  }

  @Test
  void finishedJobCannotBeCancelled() {
    Api api = cluster.api();
    String id = api.start("/upload", upload("finished", 56, 2));
    api.awaitResult(id);
    JsonNode job = Api.ok(api.post("/jobs/" + id + "/cancel", "{}"));
    assertThat(job.get("state").textValue()).isEqualTo("succeeded");
  }

  @Test
  void eventsTellTheProgressInOrder() {
    Api api = cluster.api();
    String id = api.start("/upload", upload("events", 57, 300));
    // The stream is open while the job runs, at a worker that did not take the request.
    List<Event> events = Events.of(cluster.workers().getLast().api(), id, Optional.empty());
    assertThat(api.job(id).get("state").textValue()).isEqualTo("succeeded");

    List<String> states = new ArrayList<>();
    Set<String> ids = new HashSet<>();
    Set<Integer> tasks = new HashSet<>();
    long bytes = 0;
    int done = 0;
    for (Event event : events) {
      assertThat(ids.add(event.id())).as("id " + event.id()).isTrue();
      switch (event.type()) {
        case "state" -> states.add(event.data().get("state").textValue());
        case "task" -> {
          assertThat(tasks.add(event.data().get("task").intValue())).isTrue();
          assertThat(event.data().get("tasksDone").intValue()).isEqualTo(++done);
          assertThat(event.data().get("tasksTotal").intValue()).isEqualTo(301);
          assertThat(event.data().get("bytesDone").longValue()).isGreaterThanOrEqualTo(bytes);
          bytes = event.data().get("bytesDone").longValue();
        }
        case "progress" ->
            assertThat(event.data().get("bytesDone").longValue())
                .isLessThanOrEqualTo(event.data().get("bytesTotal").longValue());
        default -> throw new AssertionError("a job without failure: " + event);
      }
    }
    assertThat(states).containsSubsequence("running", "committing", "succeeded");
    assertThat(tasks).hasSize(301);
    assertThat(events.getLast().data().get("state").textValue()).isEqualTo("succeeded");

    // Whoever comes later sees the same, and whoever comes back the rest.
    assertThat(Events.of(api, id, Optional.empty())).isEqualTo(events);
    int middle = events.size() / 2;
    assertThat(Events.of(api, id, Optional.of(events.get(middle).id())))
        .isEqualTo(events.subList(middle + 1, events.size()));
    assertThat(Events.of(api, id, Optional.of(events.getLast().id()))).isEmpty();
  }

  @Test
  void unknownJobIsMissing() {
    Api api = cluster.api();
    for (String path : List.of("/jobs/nope", "/jobs/nope/events")) {
      Api.problem(api.get(path), 404, "job-missing");
    }
    Api.problem(api.post("/jobs/nope/cancel", "{}"), 404, "job-missing");
    Api.problem(api.post("/work", Api.object("job", "nope")), 404, "job-missing");
  }
}
