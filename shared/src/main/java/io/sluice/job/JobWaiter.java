package io.sluice.job;

import java.time.Duration;
import java.util.List;
import java.util.Objects;

/** Waits for jobs without polling: by signals, with a look of its own once a second. */
public final class JobWaiter {
  /** How often those who wait look for themselves. */
  static final Duration LOOK = Duration.ofSeconds(1);

  private final JobStore store;
  private final JobSignals signals;

  public JobWaiter(JobStore store, JobSignals signals) {
    this.store = Objects.requireNonNull(store, "store");
    this.signals = Objects.requireNonNull(signals, "signals");
  }

  /** The job once it is over, or as it is when the time is up. */
  public Job await(String jobId, Duration timeout) throws InterruptedException {
    long deadline = System.nanoTime() + timeout.toNanos();
    try (JobSignals.Watch watch = signals.watch(jobId, JobSignals.Interest.WORK)) {
      while (true) {
        Job job = store.get(jobId);
        long left = deadline - System.nanoTime();
        if (job.state().terminal() || left <= 0) {
          return job;
        }
        watch.await(least(left));
      }
    }
  }

  /**
   * The next events, as soon as there are any; none if the time is up. After the event that says
   * that the job is over there are no more.
   */
  public List<JobEvent> awaitEvents(String jobId, String afterId, int limit, Duration timeout)
      throws InterruptedException {
    long deadline = System.nanoTime() + timeout.toNanos();
    try (JobSignals.Watch watch = signals.watch(jobId, JobSignals.Interest.EVENTS)) {
      while (true) {
        List<JobEvent> events = store.events(jobId, afterId, limit);
        long left = deadline - System.nanoTime();
        if (!events.isEmpty() || left <= 0) {
          return events;
        }
        watch.await(least(left));
      }
    }
  }

  private static Duration least(long leftNanos) {
    return Duration.ofNanos(Math.min(leftNanos, LOOK.toNanos()));
  }
}
