package io.sluice.job;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;

/** What a step may ask and tell while it runs. Safe for use by many threads. */
public interface JobContext {
  /** The job as it was when this worker joined it: its request does not change. */
  Job job();

  /** The worker that executes the step. */
  String workerId();

  /** {@link JobPlan#shared} of this round; not while planning. */
  JsonNode shared();

  /** Round of the job, 0 for the first: how many {@link CommitOutcome.Next} were before. */
  default int round() {
    return 0;
  }

  /** The workers that are alive now. */
  List<Worker> workers();

  /** Reports bytes of this task as done, besides those reported before. Cheap. */
  void addBytes(long bytes);

  /**
   * Whether the step is in vain: the job is over, the lease was lost, or this worker stops. The
   * step's thread is interrupted then; threads it has started have to look here.
   */
  boolean cancelled();

  /** Throws if {@link #cancelled}. */
  void check() throws LeaseLostException;
}
