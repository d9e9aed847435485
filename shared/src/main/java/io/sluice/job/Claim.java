package io.sluice.job;

import java.time.Duration;
import java.util.Objects;

/** The answer to a worker that looks for work. */
public sealed interface Claim permits Lease, Claim.Wait, Claim.Finished {
  /**
   * There is nothing for this worker now.
   *
   * @param atMost when to look again at the latest: then a lease expires or a pause ends; a signal
   *     of the job may come earlier
   */
  record Wait(Duration atMost) implements Claim {
    public Wait {
      Objects.requireNonNull(atMost, "atMost");
    }
  }

  /** The job is over. */
  record Finished(JobState state) implements Claim {
    public Finished {
      if (!state.terminal()) {
        throw new IllegalArgumentException("not a terminal state: " + state);
      }
    }
  }
}
