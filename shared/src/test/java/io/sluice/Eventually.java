package io.sluice;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.function.BooleanSupplier;

/**
 * Waits for what has to come about. The deadline is for tests that hang, and generous: a machine
 * may be slow and busy.
 */
public final class Eventually {
  /** Longest wait for anything. */
  public static final Duration PATIENCE = Duration.ofMinutes(1);

  private static final Duration PAUSE = Duration.ofMillis(5);

  private Eventually() {}

  /**
   * Waits until it is so.
   *
   * @param what in words, for the message
   */
  public static void eventually(String what, BooleanSupplier condition)
      throws InterruptedException {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime() - deadline).as("nanoseconds too late: " + what).isNegative();
      Thread.sleep(PAUSE);
    }
  }
}
