package io.sluice.functions.engine;

import io.sluice.job.WorkSummary;
import java.time.Duration;

/**
 * Who works on jobs, and how they are asked to: workers that run anyway, or instances that are
 * started for it.
 */
public interface Workforce {
  /** Has a new job worked on; returns at once. */
  void call(String job);

  /**
   * Works on a job here, until it is over or this process has to stop.
   *
   * @param expected how many workers were asked to; who plans the job may wait for them
   * @return what was done here
   */
  WorkSummary work(String job, int expected) throws InterruptedException;

  /** How long a request may wait for the end of a job, if it would wait for {@code limit}. */
  default Duration patience(Duration limit) {
    return limit;
  }
}
