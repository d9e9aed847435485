package io.sluice.acceptance;

import java.time.Duration;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/** Waits for something to be seen from outside. Bounds are generous: they fail tests that hang. */
final class Await {
  /** Longest wait for anything. */
  static final Duration LONG = Duration.ofSeconds(90);

  private static final Duration PAUSE = Duration.ofMillis(20);

  private Await() {}

  /** What the look gives as soon as it gives something. */
  static <T> T until(String what, Supplier<Optional<T>> look) {
    long deadline = System.nanoTime() + LONG.toNanos();
    while (true) {
      Optional<T> seen = look.get();
      if (seen.isPresent()) {
        return seen.get();
      }
      if (System.nanoTime() > deadline) {
        throw new AssertionError("waited " + LONG.toSeconds() + " s in vain for " + what);
      }
      try {
        Thread.sleep(PAUSE);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new AssertionError("interrupted while waiting for " + what, e);
      }
    }
  }

  /** Waits until it is so. */
  static void untilTrue(String what, BooleanSupplier look) {
    until(what, () -> look.getAsBoolean() ? Optional.of(true) : Optional.empty());
  }
}
