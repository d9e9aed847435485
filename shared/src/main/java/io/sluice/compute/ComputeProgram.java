package io.sluice.compute;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.job.CommitOutcome;
import io.sluice.job.Job;
import io.sluice.job.JobContext;
import io.sluice.job.JobKind;
import io.sluice.job.JobPlan;
import io.sluice.job.Lease;
import io.sluice.job.TaskResults;

/**
 * How the computation of one name is done as a job. What maps shards to small partial results is an
 * {@link Operation} and runs as a {@link MapReduce}; what stores something, goes in rounds or talks
 * to other workers is a program of its own.
 *
 * <p>The steps obey the rules of {@link JobKind}: each may run more than once, on any worker.
 */
public interface ComputeProgram {
  /** What requests call it. */
  String name();

  /**
   * Cuts the computation into tasks.
   *
   * @throws ComputeException if the arguments or the model are not what it takes
   */
  JobPlan plan(ComputeSpec spec, Job job, JobContext context) throws InterruptedException;

  /** Executes a task; the result is what {@link #commit} will see. */
  JsonNode execute(ComputeSpec spec, Lease.TaskLease task, JobContext context)
      throws InterruptedException;

  /**
   * After all tasks are done: ends the computation, begins another round, or finds that some have
   * to be done again.
   */
  CommitOutcome commit(ComputeSpec spec, Job job, TaskResults results, JobContext context)
      throws InterruptedException;

  /** See {@link JobKind#left}; told of every computation that has ended on this worker. */
  default void left(String job) {}
}
