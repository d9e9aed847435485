package io.sluice.job;

import java.time.Duration;

/**
 * Wakes those who wait for a job. A signal is a hint that may be lost or come for nothing: who is
 * woken looks for itself, and looks now and then without a signal.
 */
public interface JobSignals {
  /** What to be woken for. */
  enum Interest {
    /** There may be a step to do, or the job is over. */
    WORK,
    /** Any event. */
    EVENTS
  }

  /** Starts to listen. Watch first, then look, then wait: so no signal is missed. */
  Watch watch(String jobId, Interest interest);

  /** Collects signals of one job from its creation on. */
  interface Watch extends AutoCloseable {
    /** Waits for a signal since the last call, or until the time is up. */
    void await(Duration atMost) throws InterruptedException;

    /** Wakes the one who waits. */
    void wake();

    /** Whether a signal said that the job is over. */
    boolean over();

    @Override
    void close();
  }
}
