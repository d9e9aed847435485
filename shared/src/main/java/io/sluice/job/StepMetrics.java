package io.sluice.job;

/** What is counted of the steps of jobs, by whoever executes them. Called from many threads. */
@FunctionalInterface
public interface StepMetrics {
  /** Counts nothing. */
  StepMetrics NONE = (kind, step, end, nanos) -> {};

  /** The steps that there are. */
  enum Step {
    PLAN,
    TASK,
    COMMIT;

    static Step of(Lease lease) {
      return switch (lease) {
        case Lease.PlanLease plan -> PLAN;
        case Lease.TaskLease task -> TASK;
        case Lease.CommitLease commit -> COMMIT;
      };
    }
  }

  /** How a step ended. */
  enum End {
    /** Its outcome counts. */
    DONE,
    /** It failed; it is tried again or its job fails. */
    FAILED,
    /** Its lease was lost: it belongs to somebody else, or its job is over. */
    LOST,
    /** This worker stopped and gave it back. */
    GIVEN_BACK
  }

  /**
   * A step ended.
   *
   * @param kind of its job
   * @param nanos how long it took
   */
  void ended(String kind, Step step, End end, long nanos);
}
