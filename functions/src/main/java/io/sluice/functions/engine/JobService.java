package io.sluice.functions.engine;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.functions.audit.Caller;
import io.sluice.functions.config.SluiceConfig;
import io.sluice.functions.function.dto.JobDocument;
import io.sluice.job.Job;
import io.sluice.job.JobState;
import io.sluice.job.JobStore;
import io.sluice.job.JobWaiter;
import io.sluice.job.WorkSummary;
import io.sluice.model.SluiceException;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.time.Duration;
import java.util.Optional;

/**
 * Starts jobs and waits for them. Whoever takes the request has a {@link Workforce} work on the
 * job; no step depends on it after that, because every worker can do every step.
 */
@ApplicationScoped
public class JobService {
  @Inject SluiceConfig config;
  @Inject JobStore store;
  @Inject JobWaiter waiter;
  @Inject Workforce workforce;

  /**
   * Starts a job.
   *
   * @param caller who has asked for it
   * @param wait whether to wait for its end
   * @return its result, or the job document if it is not over
   * @throws SluiceException the error that made it fail
   */
  public JsonNode submit(String kind, ObjectNode request, Caller caller, boolean wait)
      throws InterruptedException {
    String id = start(kind, caller.noteIn(request), Optional.empty());
    if (!wait) {
      return JobDocument.write(store.get(id));
    }
    return answer(waiter.await(id, workforce.patience(config.job().waitLimit())));
  }

  /**
   * Starts a job, or finds the one that is alive under the same key.
   *
   * @return its id
   */
  public String start(String kind, JsonNode request, Optional<String> idempotencyKey) {
    String id = store.create(kind, request, idempotencyKey);
    workforce.call(id);
    return id;
  }

  /**
   * Works on a job until it is over; the answer says what was done here.
   *
   * @param expected how many workers were asked to
   */
  public JsonNode work(String id, int expected) throws InterruptedException {
    WorkSummary summary = workforce.work(id, expected);
    return JsonNodeFactory.instance
        .objectNode()
        .put("job", id)
        .put("state", summary.job().state().text())
        .put("tasks", summary.done());
  }

  /** The result of a finished job with its id and duration, or the document of a running one. */
  public static JsonNode answer(Job job) {
    if (job.error().isPresent()) {
      throw job.error().get().toException();
    }
    if (job.state() != JobState.SUCCEEDED) {
      return JobDocument.write(job);
    }
    ObjectNode answer = JsonNodeFactory.instance.objectNode().put("job", job.id());
    answer.setAll((ObjectNode) job.result().orElseThrow());
    Duration duration = Duration.between(job.createdAt(), job.updatedAt());
    return answer.put("seconds", duration.toMillis() / 1000.0);
  }
}
