package io.sluice.job;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Objects;

/**
 * What a task gave.
 *
 * @param number of the task
 * @param name of the task
 * @param workerId who executed it
 * @param result what {@link JobKind#execute} returned
 */
public record TaskResult(int number, String name, String workerId, JsonNode result) {
  public TaskResult {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(workerId, "workerId");
    Objects.requireNonNull(result, "result");
  }
}
