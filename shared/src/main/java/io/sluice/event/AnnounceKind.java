package io.sluice.event;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.job.CommitOutcome;
import io.sluice.job.Job;
import io.sluice.job.JobContext;
import io.sluice.job.JobKind;
import io.sluice.job.JobPlan;
import io.sluice.job.Lease;
import io.sluice.job.TaskResults;
import io.sluice.job.TaskSpec;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;

/**
 * The delivery of one event as a job: it outlives the process that had something to say, any worker
 * may do it, and if it fails for good, that is to be seen among the jobs.
 */
public final class AnnounceKind implements JobKind {
  /** Name of the kind. */
  public static final String ANNOUNCE = "announce";

  private static final Duration FIRST_PAUSE = Duration.ofMillis(250);
  private static final Duration LAST_PAUSE = Duration.ofSeconds(20);

  private final EventSink sink;
  private final Duration patience;

  /**
   * @param patience how long one attempt sends again what could not be delivered
   */
  public AnnounceKind(EventSink sink, Duration patience) {
    this.sink = Objects.requireNonNull(sink, "sink");
    this.patience = Objects.requireNonNull(patience, "patience");
  }

  /** The request of such a job. */
  public static ObjectNode request(URI sink, CloudEvent event) {
    return JsonNodeFactory.instance
        .objectNode()
        .put("sink", sink.toString())
        .set("event", event.toJson());
  }

  @Override
  public String kind() {
    return ANNOUNCE;
  }

  @Override
  public JobPlan plan(Job job, JobContext context) {
    JsonNode none = JsonNodeFactory.instance.objectNode();
    return new JobPlan(List.of(new TaskSpec("deliver", none, 0, Optional.empty())), false, none);
  }

  @Override
  public JsonNode execute(Lease.TaskLease task, JobContext context) throws InterruptedException {
    URI to = URI.create(context.job().request().get("sink").textValue());
    CloudEvent event = HttpBinding.structured(context.job().request().get("event"));
    long end = System.nanoTime() + patience.toNanos();
    long bound = FIRST_PAUSE.toMillis();
    for (int tries = 1; ; tries++) {
      context.check();
      try {
        sink.send(to, event);
        return JsonNodeFactory.instance.objectNode().put("tries", tries);
      } catch (EventException e) {
        long pause = bound / 2 + ThreadLocalRandom.current().nextLong(bound);
        if (!e.retryable() || System.nanoTime() + pause * 1_000_000 > end) {
          throw e;
        }
        Thread.sleep(pause);
        bound = Math.min(2 * bound, LAST_PAUSE.toMillis());
      }
    }
  }

  @Override
  public CommitOutcome commit(Job job, TaskResults results, JobContext context) {
    ObjectNode answer = JsonNodeFactory.instance.objectNode();
    answer.put("sink", job.request().get("sink").textValue());
    answer.put("event", job.request().get("event").get("id").textValue());
    results.forEach(result -> answer.set("tries", result.result().get("tries")));
    return CommitOutcome.done(answer);
  }
}
