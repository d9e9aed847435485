package io.sluice.job;

import io.sluice.model.ErrorKind;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;

/** The results of all tasks of a job in the order of the tasks, read page by page. */
public final class TaskResults implements Iterable<TaskResult> {
  private static final int PAGE = 100;

  private final JobStore store;
  private final String jobId;
  private final int size;

  TaskResults(JobStore store, String jobId, int size) {
    this.store = store;
    this.jobId = jobId;
    this.size = size;
  }

  /** Number of tasks. */
  public int size() {
    return size;
  }

  /** Reads the results again from the first one; holds one page at a time. */
  @Override
  public Iterator<TaskResult> iterator() {
    return new Iterator<>() {
      private List<TaskResult> page = List.of();
      private int next;
      private int read;

      @Override
      public boolean hasNext() {
        return read < size;
      }

      @Override
      public TaskResult next() {
        if (!hasNext()) {
          throw new NoSuchElementException();
        }
        if (next == page.size()) {
          page = store.results(jobId, read, PAGE);
          next = 0;
        }
        if (next == page.size() || page.get(next).number() != read) {
          // reopened by another committer: the lease of this one is lost
          throw new JobException(
              ErrorKind.CONFLICT,
              "task-result-missing",
              "task " + read + " of job " + jobId + " has no result");
        }
        TaskResult result = page.get(next++);
        read++;
        return result;
      }
    };
  }
}
