package io.sluice.job;

import io.sluice.model.ErrorKind;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import org.jboss.logging.Logger;

/**
 * Executes the steps of jobs on this worker, each on a virtual thread of its own, as {@link
 * JobKind} says. One per process.
 */
public final class JobRunner implements AutoCloseable {
  private static final Logger LOG = Logger.getLogger(JobRunner.class);
  private static final Duration CLOSE_PATIENCE = Duration.ofSeconds(10);

  /**
   * How a worker works.
   *
   * @param workerId who this worker is
   * @param parallelism steps of one job at the same time
   * @param maxJobs most jobs that {@link #sweep} joins at the same time
   * @param patience how long a store that cannot be reached is tried before a job is left to others
   */
  public record Settings(String workerId, int parallelism, int maxJobs, Duration patience) {
    public Settings {
      Worker.checkId(workerId);
      Objects.requireNonNull(patience, "patience");
      if (parallelism < 1 || maxJobs < 1) {
        throw JobException.invalid(
            "job-runner-invalid",
            "a runner needs 1 <= parallelism and 1 <= jobs, got "
                + parallelism
                + " and "
                + maxJobs);
      }
    }

    /** At most 16 jobs joined by sweeps, a minute of patience. */
    public static Settings of(String workerId, int parallelism) {
      return new Settings(workerId, parallelism, 16, Duration.ofMinutes(1));
    }
  }

  private final JobStore store;
  private final JobSignals signals;
  private final WorkerRegistry workers;
  private final Map<String, JobKind> kinds;
  private final LongSupplier freeBytes;
  private final Settings settings;
  private final StepMetrics metrics;
  private final ConcurrentMap<String, JobRun> runs = new ConcurrentHashMap<>();
  private volatile boolean closed;

  /** A runner whose steps nobody counts. */
  public JobRunner(
      JobStore store,
      JobSignals signals,
      WorkerRegistry workers,
      Collection<? extends JobKind> kinds,
      LongSupplier freeBytes,
      Settings settings) {
    this(store, signals, workers, kinds, freeBytes, settings, StepMetrics.NONE);
  }

  /**
   * @param freeBytes memory that is free for tasks; the weights of tasks that run are taken off
   */
  public JobRunner(
      JobStore store,
      JobSignals signals,
      WorkerRegistry workers,
      Collection<? extends JobKind> kinds,
      LongSupplier freeBytes,
      Settings settings,
      StepMetrics metrics) {
    this.store = Objects.requireNonNull(store, "store");
    this.signals = Objects.requireNonNull(signals, "signals");
    this.workers = Objects.requireNonNull(workers, "workers");
    this.kinds =
        kinds.stream().collect(Collectors.toUnmodifiableMap(JobKind::kind, Function.identity()));
    this.freeBytes = Objects.requireNonNull(freeBytes, "freeBytes");
    this.settings = Objects.requireNonNull(settings, "settings");
    this.metrics = Objects.requireNonNull(metrics, "metrics");
  }

  /**
   * Works on a job until it is over: does steps, and while others hold what is left waits so that
   * it can take over from them. Returns also if the job has failed or was cancelled: see the
   * summary.
   *
   * @throws JobException {@code job-missing}, {@code job-kind-unknown}; of kind TRANSIENT if the
   *     store could not be reached for long or this runner was closed
   */
  public WorkSummary work(String jobId) throws InterruptedException {
    try {
      return join(jobId).get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      throw new IllegalStateException("work on job " + jobId + " broke", e.getCause());
    }
  }

  /** Works on a job in the background; joins the work on it if there is already. */
  public CompletableFuture<WorkSummary> join(String jobId) {
    if (closed) {
      return CompletableFuture.failedFuture(stopped());
    }
    JobRun fresh = new JobRun(this, jobId);
    JobRun run = runs.computeIfAbsent(jobId, id -> fresh);
    if (run == fresh) {
      Thread.ofVirtual()
          .name("job-" + jobId)
          .start(
              () -> {
                try {
                  fresh.run();
                } finally {
                  runs.remove(jobId, fresh);
                  fresh.settle();
                }
              });
    }
    return run.outcome().copy();
  }

  /**
   * Joins jobs that need a hand: those that nobody works on, and those in which a task waits for
   * this worker. To be called every second or two; does not wait for them.
   *
   * @return ids of the jobs it has joined
   * @throws JobException if the store cannot be reached; the next sweep may
   */
  public List<String> sweep() {
    int room = settings.maxJobs() - runs.size();
    if (closed || room <= 0 || kinds.isEmpty()) {
      return List.of();
    }
    List<String> found =
        store
            .abandoned(
                settings.workerId(),
                kinds.keySet(),
                Math.min(JobStore.MAX_PAGE, settings.maxJobs() + runs.size()))
            .stream()
            .filter(id -> !runs.containsKey(id))
            .limit(room)
            .toList();
    for (String id : found) {
      join(id)
          .whenComplete(
              (summary, error) -> {
                if (error != null && !closed) {
                  LOG.warnf("left job %s: %s", id, error.getMessage());
                }
              });
    }
    return found;
  }

  /**
   * Stops working on a job: interrupts its steps and gives them back to others. The job goes on.
   *
   * @return what was done here
   */
  public WorkSummary leave(String jobId) throws InterruptedException {
    JobRun run = runs.get(jobId);
    if (run == null) {
      return new WorkSummary(store.get(jobId), 0, 0, 0);
    }
    run.stop();
    try {
      run.outcome()
          .handle((summary, error) -> summary)
          .get(CLOSE_PATIENCE.toNanos(), TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      LOG.warnf("job %s did not stop within %s", jobId, CLOSE_PATIENCE);
    } catch (ExecutionException e) {
      throw new IllegalStateException(e);
    }
    return run.soFar(store.get(jobId));
  }

  /** Ids of the jobs that this worker works on or waits for. */
  public Collection<String> running() {
    return List.copyOf(runs.keySet());
  }

  /** Interrupts all steps and gives them back to others. */
  @Override
  public void close() {
    closed = true;
    List<JobRun> all = List.copyOf(runs.values());
    all.forEach(JobRun::stop);
    long deadline = System.nanoTime() + CLOSE_PATIENCE.toNanos();
    for (JobRun run : all) {
      try {
        run.outcome()
            .handle((summary, error) -> summary)
            .get(Math.max(0, deadline - System.nanoTime()), TimeUnit.NANOSECONDS);
      } catch (TimeoutException e) {
        LOG.warnf("job %s did not stop within %s", run.jobId(), CLOSE_PATIENCE);
      } catch (ExecutionException e) {
        throw new IllegalStateException(e);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      }
    }
  }

  static JobException stopped() {
    return new JobException(ErrorKind.TRANSIENT, "worker-stopping", "this worker is stopping");
  }

  boolean closed() {
    return closed;
  }

  JobStore store() {
    return store;
  }

  JobSignals signals() {
    return signals;
  }

  WorkerRegistry workers() {
    return workers;
  }

  Settings settings() {
    return settings;
  }

  StepMetrics metrics() {
    return metrics;
  }

  /** Free memory less what running tasks may still take. */
  long freeBytes() {
    long free = freeBytes.getAsLong();
    for (JobRun run : runs.values()) {
      free -= run.reservedBytes();
    }
    return Math.max(0, free);
  }

  JobKind kind(String kind) {
    JobKind known = kinds.get(kind);
    if (known == null) {
      throw JobException.invalid(
          "job-kind-unknown",
          "worker '"
              + settings.workerId()
              + "' knows jobs of "
              + kinds.keySet()
              + ", not '"
              + kind
              + "'");
    }
    return known;
  }
}
