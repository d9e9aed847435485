package io.sluice.job;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;

/**
 * What planning a job gives.
 *
 * @param tasks at most {@value #MAX_TASKS}, in the order in which their results will be read;
 *     without tasks the job goes straight to its commit
 * @param bounded whether a task must fit the memory of a worker that takes it without being
 *     preferred
 * @param shared what every task and the commit want to know; read by {@link JobContext#shared}
 */
public record JobPlan(List<TaskSpec> tasks, boolean bounded, JsonNode shared) {
  /** Most tasks of a job. */
  public static final int MAX_TASKS = 100_000;

  public JobPlan {
    tasks = List.copyOf(tasks);
    Objects.requireNonNull(shared, "shared");
    if (tasks.size() > MAX_TASKS) {
      throw JobException.invalid(
          "job-too-large", "a job has at most " + MAX_TASKS + " tasks, got " + tasks.size());
    }
    Set<String> names = HashSet.newHashSet(tasks.size());
    for (TaskSpec task : tasks) {
      if (!names.add(task.name())) {
        throw JobException.invalid(
            "task-invalid", "two tasks of one job are called '" + task.name() + "'");
      }
    }
  }
}
