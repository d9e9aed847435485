package io.sluice.job;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/** What the last step of a job found. */
public sealed interface CommitOutcome {
  /**
   * The job has succeeded.
   *
   * @param result what came out
   * @param note about the last round, as in {@link Next}; none of a job without rounds
   */
  record Done(JsonNode result, Optional<JsonNode> note) implements CommitOutcome {
    public Done {
      Objects.requireNonNull(result, "result");
      Objects.requireNonNull(note, "note");
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

  /**
   * A round is over and another one begins: new tasks take the place of those that are done.
   *
   * @param plan the tasks of the next round, at least one, and what they share
   * @param note a small object about the round that is over, for those who read the events
   */
  record Next(JobPlan plan, JsonNode note) implements CommitOutcome {
    public Next {
      Objects.requireNonNull(plan, "plan");
      Objects.requireNonNull(note, "note");
      if (plan.tasks().isEmpty()) {
        throw JobException.invalid("job-round-invalid", "a round has at least one task");
      }
    }
  }

  /** The job has succeeded. */
  static CommitOutcome done(JsonNode result) {
    return new Done(result, Optional.empty());
  }

  /** The job has succeeded with the end of a round. */
  static CommitOutcome done(JsonNode result, JsonNode note) {
    return new Done(result, Optional.of(note));
  }

  /** Tasks have to be done again. */
  static CommitOutcome reopen(Map<Integer, Optional<String>> tasks) {
    return new Reopen(tasks);
  }

  /** Another round begins. */
  static CommitOutcome next(JobPlan plan, JsonNode note) {
    return new Next(plan, note);
  }
}
