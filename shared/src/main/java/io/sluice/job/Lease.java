package io.sluice.job;

import java.time.Duration;
import java.util.Objects;

/**
 * The right to do one step of a job until it expires. The fence grows with every lease of the job;
 * the store accepts the step's outcome only under the fence of its latest lease.
 */
public sealed interface Lease extends Claim {
  /** Whose step. */
  Grant grant();

  /**
   * What all leases are made of.
   *
   * @param jobId the job
   * @param workerId who may do the step
   * @param attempt 1 for the first
   * @param fence fencing token
   * @param round of the job, 0 for the first
   * @param ttl how long the lease lives after each renewal
   */
  record Grant(String jobId, String workerId, int attempt, long fence, int round, Duration ttl) {
    public Grant {
      Objects.requireNonNull(jobId, "jobId");
      Objects.requireNonNull(workerId, "workerId");
      Objects.requireNonNull(ttl, "ttl");
    }
  }

  /** The job has to be planned. */
  record PlanLease(Grant grant) implements Lease {
    @Override
    public String describe() {
      return "the plan of job " + jobId();
    }
  }

  /**
   * A task has to be executed.
   *
   * @param number its position in the plan
   * @param task as it was planned
   * @param bounded {@link JobPlan#bounded}: whether its weight is memory that it takes
   */
  record TaskLease(Grant grant, int number, TaskSpec task, boolean bounded) implements Lease {
    @Override
    public String describe() {
      return "task " + number + " ('" + task.name() + "') of job " + jobId();
    }
  }

  /** All tasks are done and the job has to be committed. */
  record CommitLease(Grant grant) implements Lease {
    @Override
    public String describe() {
      return "the commit of job " + jobId();
    }
  }

  /** What the lease is for, in words. */
  String describe();

  /** The job. */
  default String jobId() {
    return grant().jobId();
  }

  /** Who holds it. */
  default String workerId() {
    return grant().workerId();
  }

  /** How often the step was begun, this time included. */
  default int attempt() {
    return grant().attempt();
  }

  /** Round of the job that it belongs to, 0 for the first. */
  default int round() {
    return grant().round();
  }

  /** How long it lives after each renewal. */
  default Duration ttl() {
    return grant().ttl();
  }
}
