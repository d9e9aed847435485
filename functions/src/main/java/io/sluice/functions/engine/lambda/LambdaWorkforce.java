package io.sluice.functions.engine.lambda;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.functions.engine.LocalWorker;
import io.sluice.functions.engine.Workforce;
import io.sluice.job.Job;
import io.sluice.job.JobRunner;
import io.sluice.job.JobStore;
import io.sluice.job.WorkSummary;
import io.sluice.job.WorkerRegistry;
import io.sluice.model.ErrorKind;
import io.sluice.model.ModelRef;
import io.sluice.model.SluiceException;
import io.sluice.upload.UploadKind;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jboss.logging.Logger;

/**
 * Workers that are instances of a Lambda function: started for a job, asynchronously; each works
 * until the job is over or its time is up, and then starts its successor. What it had claimed is
 * given back, so that nothing is waited for.
 */
public final class LambdaWorkforce implements Workforce {
  private static final Logger LOG = Logger.getLogger(LambdaWorkforce.class);
  private static final Duration LOOK = Duration.ofMillis(50);

  private final LambdaInvoker invoker;
  private final String function;
  private final int fanOut;
  private final Duration muster;
  private final LocalWorker self;
  private final WorkerRegistry workers;
  private final JobStore jobs;
  private final InstanceTime time;
  private final InstanceMemory memory;

  /**
   * @param function name or ARN of the function whose instances are workers
   * @param fanOut instances that a job is given
   * @param muster how long the first instances wait for the others before they plan without them
   */
  public LambdaWorkforce(
      LambdaInvoker invoker,
      String function,
      int fanOut,
      Duration muster,
      LocalWorker self,
      WorkerRegistry workers,
      JobStore jobs,
      InstanceTime time,
      InstanceMemory memory) {
    this.invoker = invoker;
    this.function = function;
    this.fanOut = fanOut;
    this.muster = muster;
    this.self = self;
    this.workers = workers;
    this.jobs = jobs;
    this.time = time;
    this.memory = memory;
  }

  /**
   * Starts the instances, at the same time.
   *
   * @throws SluiceException if not one could be started
   */
  @Override
  public void call(String job) {
    List<SluiceException> refused = new ArrayList<>();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<?>> starts = new ArrayList<>();
      for (int i = 0; i < fanOut; i++) {
        starts.add(threads.submit(() -> start(job, fanOut)));
      }
      for (Future<?> start : starts) {
        try {
          start.get();
        } catch (ExecutionException e) {
          if (!(e.getCause() instanceof SluiceException known)) {
            throw new IllegalStateException(e.getCause());
          }
          refused.add(known);
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          throw new SluiceException(
              ErrorKind.TRANSIENT, "interrupted", "starting workers was interrupted", e);
        }
      }
    }
    if (refused.size() == fanOut) {
      throw refused.getFirst();
    }
    if (!refused.isEmpty()) {
      LOG.warnf(
          "%d of %d workers for job %s could not be started: %s",
          refused.size(), fanOut, job, refused.getFirst().getMessage());
    }
  }

  @Override
  public WorkSummary work(String job, int expected) throws InterruptedException {
    JobRunner runner = self.runner();
    memory.makeRoom(model(jobs.get(job)));
    // Frozen for long, it is forgotten; the plan should know of it.
    self.beat();
    muster(expected);
    try {
      return runner.join(job).get(time.left().toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      LOG.infof("the time of this instance is up: another one goes on with job %s", job);
      WorkSummary done = runner.leave(job);
      if (!jobs.get(job).state().terminal()) {
        start(job, 1);
      }
      return done;
    } catch (ExecutionException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      throw new IllegalStateException("work on job " + job + " broke", e.getCause());
    } finally {
      // Whatever else was joined would be frozen with this instance.
      for (String other : runner.running()) {
        runner.leave(other);
      }
    }
  }

  @Override
  public Duration patience(Duration limit) {
    Duration left = time.left();
    return left.compareTo(limit) < 0 ? left : limit;
  }

  /** The stored model that a job reads; an upload names the one it makes. */
  private static Optional<ModelRef> model(Job job) {
    return job.kind().equals(UploadKind.UPLOAD)
        ? Optional.empty()
        : Optional.ofNullable(job.request().path("model").textValue()).map(ModelRef::parse);
  }

  private void start(String job, int expected) {
    ObjectNode input = JsonNodeFactory.instance.objectNode().put("job", job);
    invoker.start(function, input.put("workers", expected));
  }

  /** Waits for the others: a plan places tasks on the workers that it knows. */
  private void muster(int expected) throws InterruptedException {
    long deadline = System.nanoTime() + muster.toNanos();
    while (workers.live().size() < expected && System.nanoTime() < deadline) {
      Thread.sleep(LOOK);
    }
  }
}
