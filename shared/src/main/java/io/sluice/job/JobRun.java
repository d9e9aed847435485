package io.sluice.job;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.jboss.logging.Logger;

/** The work of this worker on one job: claims steps, starts them, waits for others. */
final class JobRun {
  private static final Logger LOG = Logger.getLogger(JobRun.class);

  private final JobRunner runner;
  private final String jobId;
  private final CompletableFuture<WorkSummary> outcome = new CompletableFuture<>();
  private final Set<StepRun> steps = ConcurrentHashMap.newKeySet();
  private final AtomicInteger done = new AtomicInteger();
  private final AtomicInteger failed = new AtomicInteger();
  private final AtomicInteger discarded = new AtomicInteger();

  private volatile Thread thread;
  private volatile JobSignals.Watch watch;
  private volatile boolean stopping;
  private volatile Job job;
  private JobKind kind;
  private JsonNode shared;
  private int sharedRound;
  private WorkSummary summary;
  private RuntimeException error;

  JobRun(JobRunner runner, String jobId) {
    this.runner = runner;
    this.jobId = jobId;
  }

  /** Runs until the job is over; {@link #settle} then tells the others how it ended. */
  void run() {
    thread = Thread.currentThread();
    try (JobSignals.Watch signals = runner.signals().watch(jobId, JobSignals.Interest.WORK)) {
      watch = signals;
      job = patiently(() -> runner.store().get(jobId));
      if (!job.state().terminal()) {
        kind = runner.kind(job.kind());
        try {
          loop();
        } finally {
          try {
            end();
          } finally {
            kind.left(jobId);
          }
        }
        job = patiently(() -> runner.store().get(jobId));
      }
      summary = soFar(job);
    } catch (InterruptedException e) {
      error = JobRunner.stopped();
    } catch (RuntimeException e) {
      error = e;
    }
  }

  void settle() {
    if (summary != null) {
      outcome.complete(summary);
    } else {
      outcome.completeExceptionally(
          error != null ? error : new IllegalStateException("work on job " + jobId + " broke"));
    }
  }

  private void loop() throws InterruptedException {
    while (true) {
      if (stopping || runner.closed()) {
        throw JobRunner.stopped();
      }
      if (steps.size() >= runner.settings().parallelism()) {
        watch.await(JobWaiter.LOOK);
        if (watch.over() && patiently(() -> runner.store().get(jobId)).state().terminal()) {
          return;
        }
        continue;
      }
      Claim claim =
          patiently(
              () -> runner.store().claim(jobId, runner.settings().workerId(), runner.freeBytes()));
      switch (claim) {
        case Lease lease -> start(lease);
        case Claim.Wait wait ->
            watch.await(
                wait.atMost().compareTo(JobWaiter.LOOK) < 0 ? wait.atMost() : JobWaiter.LOOK);
        case Claim.Finished finished -> {
          return;
        }
      }
    }
  }

  private void start(Lease lease) {
    StepRun step = new StepRun(this, lease);
    steps.add(step);
    step.start();
  }

  /** Interrupts what still runs and waits for it. */
  private void end() throws InterruptedException {
    for (StepRun step : steps) {
      step.stop(stopping ? StepRun.Stop.GIVE_BACK : StepRun.Stop.LOST);
    }
    for (StepRun step : steps) {
      step.await();
    }
  }

  /** Called from outside: gives everything back. */
  void stop() {
    stopping = true;
    Thread running = thread;
    if (running != null) {
      running.interrupt();
    }
  }

  void ended(StepRun step, StepRun.End how) {
    switch (how) {
      case DONE -> done.incrementAndGet();
      case FAILED -> failed.incrementAndGet();
      case DISCARDED -> discarded.incrementAndGet();
    }
    steps.remove(step);
    watch.wake();
  }

  /** A call of the store. */
  @FunctionalInterface
  interface Call<T> {
    T call();
  }

  /** Repeats a call while the store cannot be reached, for as long as the settings say. */
  <T> T patiently(Call<T> call) throws InterruptedException {
    long deadline = System.nanoTime() + runner.settings().patience().toNanos();
    for (Duration pause = Duration.ofMillis(50); ; pause = pause.multipliedBy(2)) {
      try {
        return call.call();
      } catch (JobException e) {
        if (Thread.interrupted()) {
          throw new InterruptedException();
        }
        if (!e.retryable() || System.nanoTime() >= deadline) {
          throw e;
        }
        LOG.debugf("job %s: %s", jobId, e.getMessage());
      }
      Thread.sleep(pause.compareTo(JobWaiter.LOOK) < 0 ? pause : JobWaiter.LOOK);
    }
  }

  /** What the plan of a round shares; that of one round is kept. */
  synchronized JsonNode shared(int round) {
    if (shared == null || sharedRound != round) {
      shared = runner.store().shared(jobId, round);
      sharedRound = round;
    }
    return shared;
  }

  /** What was done here until now. */
  WorkSummary soFar(Job now) {
    return new WorkSummary(now, done.get(), failed.get(), discarded.get());
  }

  long reservedBytes() {
    return steps.stream().mapToLong(StepRun::weight).sum();
  }

  CompletableFuture<WorkSummary> outcome() {
    return outcome;
  }

  String jobId() {
    return jobId;
  }

  Job job() {
    return job;
  }

  JobKind kind() {
    return kind;
  }

  JobRunner runner() {
    return runner;
  }
}
