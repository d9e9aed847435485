package io.sluice.job;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/** What the last step of a job found. */
public sealed interface CommitOutcome {
  /** The job has succeeded. */
  record Done(JsonNode result) implements CommitOutcome {
    public Done {
      Objects.requireNonNull(result, "result");
    }
  }

  /**
   * Tasks have to be done again because what they made is gone.
   *
   * @param tasks number of each and which worker should do it now; not empty
   */
  record Reopen(Map<Integer, Optional<String>> tasks) implements CommitOutcome {
    public Reopen {
      tasks = Map.copyOf(tasks);
      if (tasks.isEmpty()) {
        throw JobException.invalid("job-reopen-invalid", "there is no task to reopen");
      }
    }
  }

  /** The job has succeeded. */
  static CommitOutcome done(JsonNode result) {
    return new Done(result);
  }

  /** Tasks have to be done again. */
  static CommitOutcome reopen(Map<Integer, Optional<String>> tasks) {
    return new Reopen(tasks);
  }
}
