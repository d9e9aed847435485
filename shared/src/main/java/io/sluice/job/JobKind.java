package io.sluice.job;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * How jobs of one kind are done. Each method may run more than once, on any worker, even twice at
 * the same time (when a lease was lost unnoticed): all of them must be idempotent.
 *
 * <p>A {@link io.sluice.model.SluiceException} that is retryable makes the step be tried again;
 * another one fails the job with its kind, code and message; anything else fails it as {@code
 * internal}. The thread is interrupted when the lease is lost.
 */
public interface JobKind {
  /** The kind of {@link Job#kind}. */
  String kind();

  /** Cuts the job into tasks. */
  JobPlan plan(Job job, JobContext context) throws InterruptedException;

  /** Executes a task; the result is what {@link #commit} will see. */
  JsonNode execute(Lease.TaskLease task, JobContext context) throws InterruptedException;

  /**
   * After all tasks are done: ends the job, begins another round, or finds that some have to be
   * done again.
   */
  CommitOutcome commit(Job job, TaskResults results, JobContext context)
      throws InterruptedException;

  /**
   * This worker has ended its work on a job, however that went, and none of its steps runs here any
   * more: what was kept for them can go.
   *
   * @param job its id
   */
  default void left(String job) {}
}
