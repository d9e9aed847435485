package io.sluice.cache;

import java.time.Duration;
import java.util.function.LongSupplier;

/**
 * Keeps callers away from what does not work: after some failures in a row nobody is let through
 * for a pause, then one caller to try; if that fails, the pause is twice as long, up to a bound.
 *
 * <p>Thread-safe.
 */
public final class CircuitBreaker {
  private final int threshold;
  private final long basePause;
  private final long maxPause;
  private final LongSupplier clock;
  private int failures;
  private long pause;
  private long openUntil;
  private boolean open;
  private boolean trying;

  /** Three failures, one second at first, thirty at most. */
  public static CircuitBreaker standard() {
    return new CircuitBreaker(3, Duration.ofSeconds(1), Duration.ofSeconds(30), System::nanoTime);
  }

  /** Lets everybody through. */
  public static CircuitBreaker never() {
    return new CircuitBreaker(Integer.MAX_VALUE, Duration.ZERO, Duration.ZERO, System::nanoTime);
  }

  /**
   * @param threshold failures in a row that open it, at least 1
   * @param clock nanoseconds of any origin
   */
  public CircuitBreaker(int threshold, Duration basePause, Duration maxPause, LongSupplier clock) {
    this.threshold = threshold;
    this.basePause = basePause.toNanos();
    this.maxPause = maxPause.toNanos();
    this.clock = clock;
  }

  /**
   * Whether the caller may try; it then has to tell how that went, by {@link #succeeded} or {@link
   * #failed}.
   */
  public synchronized boolean permits() {
    if (!open) {
      return true;
    }
    if (trying || clock.getAsLong() - openUntil < 0) {
      return false;
    }
    trying = true;
    return true;
  }

  /** It worked. */
  public synchronized void succeeded() {
    failures = 0;
    open = false;
    trying = false;
  }

  /** It did not work. */
  public synchronized void failed() {
    if (open) {
      if (trying) {
        trying = false;
        pause = Math.min(maxPause, 2 * pause);
        openUntil = clock.getAsLong() + pause;
      }
      return;
    }
    if (++failures >= threshold) {
      open = true;
      pause = basePause;
      openUntil = clock.getAsLong() + pause;
    }
  }
}
