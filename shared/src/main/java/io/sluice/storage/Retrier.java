package io.sluice.storage;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;

/** Carries out a {@link RetryPolicy}: one object per call to a store. */
final class Retrier {
  /** Where time comes from and goes to. */
  interface Clock {
    Clock SYSTEM =
        new Clock() {
          @Override
          public long nanoTime() {
            return System.nanoTime();
          }

          @Override
          public void sleep(long nanos) throws InterruptedException {
            Thread.sleep(Duration.ofNanos(nanos));
          }
        };

    long nanoTime();

    void sleep(long nanos) throws InterruptedException;
  }

  private final RetryPolicy policy;
  private final Clock clock;
  private final long begin;
  private int failures;
  private int tries;

  Retrier(RetryPolicy policy, Clock clock) {
    this.policy = policy;
    this.clock = clock;
    this.begin = clock.nanoTime();
  }

  /** The last try moved things on: what failed before no longer counts. */
  void progressed() {
    failures = 0;
  }

  /**
   * Pauses before the next try.
   *
   * @throws TransientStorageException if there is to be none
   */
  void failed(TransientStorageException failure, long transferred) {
    failures++;
    tries++;
    if (Thread.currentThread().isInterrupted()) {
      throw gaveUp(failure, transferred, "interrupted");
    }
    if (failures >= policy.attempts()) {
      throw gaveUp(failure, transferred, "gave up");
    }
    long pause =
        Math.max(
            ThreadLocalRandom.current().nextLong(policy.delayBound(failures) + 1),
            failure.retryAfter().toNanos());
    long left = policy.deadline().toNanos() - (clock.nanoTime() - begin);
    if (pause >= left) {
      throw gaveUp(failure, transferred, "deadline of " + policy.deadline() + " reached");
    }
    try {
      clock.sleep(pause);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      failure.addSuppressed(e);
      throw gaveUp(failure, transferred, "interrupted");
    }
  }

  private TransientStorageException gaveUp(
      TransientStorageException failure, long transferred, String why) {
    return new TransientStorageException(
        failure.key(),
        transferred,
        failure.retryAfter(),
        failure.getMessage()
            + " ("
            + why
            + " after "
            + tries
            + (tries == 1 ? " try in " : " tries in ")
            + Duration.ofNanos(clock.nanoTime() - begin).toMillis()
            + " ms)",
        failure);
  }
}
