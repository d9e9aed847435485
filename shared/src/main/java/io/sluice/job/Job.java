package io.sluice.job;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Instant;
import java.util.Objects;
import java.util.Optional;

/**
 * A job as it is at one moment.
 *
 * @param id 26 characters; later jobs sort after earlier ones
 * @param kind which {@link JobKind} executes it
 * @param state where it is
 * @param createdAt when it was created, by the clock of the store
 * @param updatedAt when it was last changed
 * @param progress how far it is
 * @param error why it failed, if it did
 * @param request what was asked for
 * @param result what came out, if it succeeded
 */
public record Job(
    String id,
    String kind,
    JobState state,
    Instant createdAt,
    Instant updatedAt,
    JobProgress progress,
    Optional<JobError> error,
    JsonNode request,
    Optional<JsonNode> result) {
  public Job {
    Objects.requireNonNull(id, "id");
    Objects.requireNonNull(kind, "kind");
    Objects.requireNonNull(state, "state");
    Objects.requireNonNull(createdAt, "createdAt");
    Objects.requireNonNull(updatedAt, "updatedAt");
    Objects.requireNonNull(progress, "progress");
    Objects.requireNonNull(error, "error");
    Objects.requireNonNull(request, "request");
    Objects.requireNonNull(result, "result");
  }

  /** A line of a list of jobs: the job without its documents. */
  public record Summary(
      String id,
      String kind,
      JobState state,
      Instant createdAt,
      Instant updatedAt,
      JobProgress progress,
      Optional<JobError> error) {}

  /** This job without its documents. */
  public Summary summary() {
    return new Summary(id, kind, state, createdAt, updatedAt, progress, error);
  }
}
