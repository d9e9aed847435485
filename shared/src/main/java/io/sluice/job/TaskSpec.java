package io.sluice.job;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Objects;
import java.util.Optional;

/**
 * A task as it is planned. Its number is its position in the plan.
 *
 * @param name what people call it, such as the digest of a shard; 1 to {@value #MAX_NAME}
 *     characters, unique in its job
 * @param payload what {@link JobKind#execute} needs to know
 * @param weightBytes bytes of memory that it takes if the plan is bounded; in any case its share of
 *     the progress; at most 2^53
 * @param preferredWorker id of the worker that should execute it, if there is one
 */
public record TaskSpec(
    String name, JsonNode payload, long weightBytes, Optional<String> preferredWorker) {
  /** Longest name. */
  public static final int MAX_NAME = 256;

  private static final long MAX_WEIGHT = 1L << 53;

  public TaskSpec {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(payload, "payload");
    Objects.requireNonNull(preferredWorker, "preferredWorker");
    if (name.isEmpty() || name.length() > MAX_NAME) {
      throw JobException.invalid(
          "task-invalid",
          "the name of a task has 1 to " + MAX_NAME + " characters, got " + name.length());
    }
    if (weightBytes < 0 || weightBytes > MAX_WEIGHT) {
      throw JobException.invalid(
          "task-invalid",
          "task '" + name + "' weighs between 0 and 2^53 bytes, got " + weightBytes);
    }
    preferredWorker.ifPresent(Worker::checkId);
  }
}
