package io.sluice.functions.engine.http;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.functions.engine.LocalWorker;
import io.sluice.functions.engine.WorkerInvoker;
import io.sluice.functions.engine.Workforce;
import io.sluice.job.WorkSummary;
import io.sluice.job.Worker;
import io.sluice.job.WorkerRegistry;
import io.sluice.model.SluiceException;
import java.net.URI;
import java.time.Duration;
import org.jboss.logging.Logger;

/** Workers that run anyway: this one works on the job and asks all others to. */
public final class HttpWorkforce implements Workforce {
  private static final Logger LOG = Logger.getLogger(HttpWorkforce.class);

  private final LocalWorker self;
  private final WorkerRegistry workers;
  private final WorkerInvoker invoker;
  private final Duration patience;

  /**
   * @param patience how long another worker may work on a job before nobody listens to it any more
   */
  public HttpWorkforce(
      LocalWorker self, WorkerRegistry workers, WorkerInvoker invoker, Duration patience) {
    this.self = self;
    this.workers = workers;
    this.invoker = invoker;
    this.patience = patience;
  }

  @Override
  public void call(String job) {
    self.runner().join(job);
    workers.live().stream().filter(w -> !w.id().equals(self.id())).forEach(w -> ask(w, job));
  }

  @Override
  public WorkSummary work(String job, int expected) throws InterruptedException {
    return self.runner().work(job);
  }

  private void ask(Worker worker, String job) {
    ObjectNode input = JsonNodeFactory.instance.objectNode().put("job", job);
    Thread.ofVirtual()
        .name("sluice-ask-" + worker.id())
        .start(
            () -> {
              try {
                invoker.invoke(URI.create(worker.address()), "work", input, patience);
              } catch (SluiceException e) {
                // The job does not need this worker: others do what it was asked for.
                LOG.warnf("worker %s did not work on job %s: %s", worker.id(), job, e.getMessage());
              }
            });
  }
}
