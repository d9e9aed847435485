package io.sluice.functions.engine;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.functions.config.SluiceConfig;
import io.sluice.functions.function.dto.JobDocument;
import io.sluice.job.Job;
import io.sluice.job.JobState;
import io.sluice.job.JobStore;
import io.sluice.job.JobWaiter;
import io.sluice.job.WorkSummary;
import io.sluice.job.Worker;
import io.sluice.job.WorkerRegistry;
import io.sluice.model.SluiceException;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.net.URI;
import java.time.Duration;
import java.util.Optional;
import org.jboss.logging.Logger;

/**
 * Starts jobs and waits for them. Whoever takes the request works on the job too and asks all other
 * workers to; no step depends on it after that, because every worker can do every step.
 */
@ApplicationScoped
public class JobService {
  private static final Logger LOG = Logger.getLogger(JobService.class);

  @Inject SluiceConfig config;
  @Inject JobStore store;
  @Inject JobWaiter waiter;
  @Inject WorkerRegistry workers;
  @Inject WorkerInvoker invoker;
  @Inject LocalWorker self;

  /**
   * Starts a job.
   *
   * @param wait whether to wait for its end
   * @return its result, or the job document if it is not over
   * @throws SluiceException the error that made it fail
   */
  public JsonNode submit(String kind, JsonNode request, boolean wait) throws InterruptedException {
    String id = store.create(kind, request, Optional.empty());
    self.runner().join(id);
    workers.live().stream().filter(w -> !w.id().equals(self.id())).forEach(w -> ask(w, id));
    if (!wait) {
      return JobDocument.write(store.get(id));
    }
    return answer(waiter.await(id, config.job().waitLimit()));
  }

  /** Works on a job until it is over; the answer says what was done here. */
  public JsonNode work(String id) throws InterruptedException {
    WorkSummary summary = self.runner().work(id);
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

  private void ask(Worker worker, String id) {
    ObjectNode input = JsonNodeFactory.instance.objectNode().put("job", id);
    Thread.ofVirtual()
        .name("sluice-ask-" + worker.id())
        .start(
            () -> {
              try {
                invoker.invoke(
                    URI.create(worker.address()), "work", input, config.job().waitLimit());
              } catch (SluiceException e) {
                // The job does not need this worker: others do what it was asked for.
                LOG.warnf("worker %s did not work on job %s: %s", worker.id(), id, e.getMessage());
              }
            });
  }
}
