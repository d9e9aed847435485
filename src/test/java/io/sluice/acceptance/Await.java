package io.sluice.acceptance;

import java.time.Duration;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/** Waits for something to be seen from outside. Bounds are generous: they fail tests that hang. */
final class Await {
  /** Longest wait for anything. */
  static final Duration LONG = Duration.ofMinutes(4);

  private static final Duration PAUSE = Duration.ofMillis(20);

  private Await() {}

  /** What the look gives as soon as it gives something. */
  static <T> T until(String what, Supplier<Optional<T>> look) {
    return until(what, look, () -> "");
  }

  /**
   * What the look gives as soon as it gives something.
   *
   * @param state what there is instead, for the message
   */
  static <T> T until(String what, Supplier<Optional<T>> look, Supplier<String> state) {
    long deadline = System.nanoTime() + LONG.toNanos();
    while (true) {
      Optional<T> seen = look.get();
      if (seen.isPresent()) {
        return seen.get();
      }
      if (System.nanoTime() > deadline) {
        throw new AssertionError(
            "waited " + LONG.toSeconds() + " s in vain for " + what + " " + state.get());
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
    untilTrue(what, look, () -> "");
  }

  /** Waits until it is so. */
  static void untilTrue(String what, BooleanSupplier look, Supplier<String> state) {
    until(what, () -> look.getAsBoolean() ? Optional.of(true) : Optional.empty(), state);
  }
}
