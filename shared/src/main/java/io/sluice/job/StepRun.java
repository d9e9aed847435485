package io.sluice.job;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.LongAdder;
import org.jboss.logging.Logger;
import org.jboss.logging.MDC;

/**
 * One step under its lease: a thread that does it and one that keeps the lease and reports
 * progress. When the lease is lost the first is interrupted, and its outcome is discarded.
 */
final class StepRun implements JobContext {
  private static final Logger LOG = Logger.getLogger(StepRun.class);
  private static final Duration REPORT = Duration.ofMillis(250);

  /** Why a step is stopped. */
  enum Stop {
    /** It belongs to somebody else, or its job is over. */
    LOST,
    /** This worker stops. */
    GIVE_BACK
  }

  /** How a step ended. */
  enum End {
    DONE,
    FAILED,
    DISCARDED
  }

  private final JobRun run;
  private final Lease lease;
  private final LongAdder bytes = new LongAdder();
  private final Thread worker;
  private final Thread keeper;

  private volatile Stop stop;
  // only while the code of the kind runs may its thread be interrupted
  private boolean interruptible;

  StepRun(JobRun run, Lease lease) {
    this.run = run;
    this.lease = lease;
    this.worker = Thread.ofVirtual().name(lease.describe()).unstarted(this::work);
    this.keeper = Thread.ofVirtual().name("lease of " + lease.describe()).unstarted(this::keep);
  }

  void start() {
    keeper.start();
    worker.start();
  }

  void await() throws InterruptedException {
    worker.join();
  }

  synchronized void stop(Stop why) {
    if (stop == null) {
      stop = why;
      if (interruptible) {
        worker.interrupt();
      }
    }
  }

  /** Memory that the step may take. */
  long weight() {
    return lease instanceof Lease.TaskLease task && task.bounded() ? task.task().weightBytes() : 0;
  }

  private void work() {
    End end = End.FAILED;
    long start = System.nanoTime();
    MDC.put("job", lease.jobId());
    MDC.put("step", lease instanceof Lease.TaskLease task ? task.task().name() : name());
    try {
      end = attempt();
    } catch (InterruptedException e) {
      LOG.debugf("%s was interrupted while its outcome was stored", lease.describe());
    } catch (RuntimeException e) {
      // the lease will expire, and somebody will try again
      LOG.warnf("the outcome of %s is lost: %s", lease.describe(), e.getMessage());
    } finally {
      keeper.interrupt();
      long nanos = System.nanoTime() - start;
      StepMetrics.End how = counted(end);
      run.runner().metrics().ended(run.kind().kind(), StepMetrics.Step.of(lease), how, nanos);
      LOG.debugf("%s: %s after %d ms", lease.describe(), how, nanos / 1_000_000);
      MDC.clear();
      run.ended(this, end);
    }
  }

  private String name() {
    return StepMetrics.Step.of(lease).name().toLowerCase(Locale.ROOT);
  }

  private StepMetrics.End counted(End end) {
    return switch (end) {
      case DONE -> StepMetrics.End.DONE;
      case FAILED -> StepMetrics.End.FAILED;
      case DISCARDED -> stop == Stop.GIVE_BACK ? StepMetrics.End.GIVEN_BACK : StepMetrics.End.LOST;
    };
  }

  private End attempt() throws InterruptedException {
    JobError error;
    boolean retryable;
    try {
      return settle(call());
    } catch (InterruptedException e) {
      error =
          new JobError(ErrorKind.TRANSIENT, "interrupted", lease.describe() + " was interrupted");
      retryable = true;
    } catch (SluiceException e) {
      error = JobError.of(e);
      retryable = e.retryable();
    } catch (RuntimeException | Error e) {
      LOG.errorf(e, "%s failed", lease.describe());
      error = JobError.of(e);
      retryable = false;
    }
    if (stop == Stop.GIVE_BACK) {
      run.runner().store().release(lease);
      return End.DISCARDED;
    }
    if (stop == Stop.LOST) {
      return End.DISCARDED;
    }
    LOG.debugf("%s: %s", lease.describe(), error);
    JobError outcome = error;
    boolean again = retryable;
    run.patiently(() -> run.runner().store().fail(lease, outcome, again));
    return End.FAILED;
  }

  /** Runs the code of the kind; gives what stores its outcome. */
  private JobRun.Call<Boolean> call() throws InterruptedException {
    synchronized (this) {
      if (stop != null) {
        throw new InterruptedException();
      }
      interruptible = true;
    }
    try {
      JobStore store = run.runner().store();
      return switch (lease) {
        case Lease.PlanLease plan -> {
          JobPlan planned = run.kind().plan(run.job(), this);
          yield () -> store.planned(plan, planned);
        }
        case Lease.TaskLease task -> {
          JsonNode result = run.kind().execute(task, this);
          yield () -> store.complete(task, result);
        }
        case Lease.CommitLease commit -> {
          int tasks = store.get(lease.jobId()).progress().tasksTotal();
          TaskResults results = new TaskResults(store, lease.jobId(), tasks);
          yield switch (run.kind().commit(run.job(), results, this)) {
            case CommitOutcome.Done ended ->
                () -> store.commit(commit, ended.result(), ended.note());
            case CommitOutcome.Reopen again -> () -> store.reopen(commit, again.tasks());
            case CommitOutcome.Next next -> () -> store.next(commit, next.plan(), next.note());
          };
        }
      };
    } finally {
      synchronized (this) {
        interruptible = false;
        // an interrupt that came too late must not hit what stores the outcome
        Thread.interrupted();
      }
    }
  }

  /** Stores the outcome, also if this worker is about to stop: the work is done. */
  private End settle(JobRun.Call<Boolean> outcome) throws InterruptedException {
    if (stop == Stop.LOST) {
      return End.DISCARDED;
    }
    return run.patiently(outcome) ? End.DONE : End.DISCARDED;
  }

  /** Renews the lease three times in its life, and reports progress in between. */
  private void keep() {
    long ttl = lease.ttl().toNanos();
    long tick = Math.min(REPORT.toNanos(), Math.max(1, ttl / 6));
    long renewed = System.nanoTime();
    long reported = 0;
    try {
      while (stop != Stop.LOST) {
        Thread.sleep(Duration.ofNanos(tick));
        long now = System.nanoTime();
        try {
          boolean mine = true;
          if (now - renewed >= ttl / 3) {
            mine = run.runner().store().renew(lease);
            renewed = now;
          }
          long sum = bytes.sum();
          if (mine && sum != reported && lease instanceof Lease.TaskLease task) {
            mine = run.runner().store().progress(task, sum);
            reported = sum;
          }
          if (!mine) {
            stop(Stop.LOST);
          }
        } catch (JobException e) {
          if (Thread.currentThread().isInterrupted()) {
            return;
          }
          if (!e.retryable() || System.nanoTime() - renewed >= ttl) {
            LOG.warnf("lost %s: %s", lease.describe(), e.getMessage());
            stop(Stop.LOST);
          }
        }
      }
    } catch (InterruptedException e) {
      // the step has ended
    }
  }

  @Override
  public Job job() {
    return run.job();
  }

  @Override
  public String workerId() {
    return lease.workerId();
  }

  @Override
  public JsonNode shared() {
    return run.shared(lease.round());
  }

  @Override
  public int round() {
    return lease.round();
  }

  @Override
  public List<Worker> workers() {
    return run.runner().workers().live();
  }

  @Override
  public void addBytes(long more) {
    bytes.add(more);
  }

  @Override
  public boolean cancelled() {
    return stop != null;
  }

  @Override
  public void check() {
    if (stop != null) {
      throw new LeaseLostException(lease);
    }
  }
}
