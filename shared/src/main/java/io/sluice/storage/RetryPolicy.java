package io.sluice.storage;

import io.sluice.model.InvalidValueException;
import java.time.Duration;
import java.util.Objects;

/**
 * How often and how long a call to a store is tried. Between two tries lies a pause that is drawn
 * evenly between zero and a bound that doubles each time ("full jitter": callers who failed
 * together do not come back together), or what the store asked for if that is longer.
 *
 * @param attempts tries without progress before giving up, the first one included; at least 1
 * @param baseDelay bound of the first pause
 * @param maxDelay where the bound stops doubling
 * @param deadline no new try begins later than this after the call began, progress or not
 */
public record RetryPolicy(int attempts, Duration baseDelay, Duration maxDelay, Duration deadline) {
  /** Six tries within two minutes, pausing for at most 100 ms at first and 5 s at last. */
  public static final RetryPolicy DEFAULT =
      new RetryPolicy(6, Duration.ofMillis(100), Duration.ofSeconds(5), Duration.ofMinutes(2));

  public RetryPolicy {
    Objects.requireNonNull(baseDelay, "baseDelay");
    Objects.requireNonNull(maxDelay, "maxDelay");
    Objects.requireNonNull(deadline, "deadline");
    if (attempts < 1 || baseDelay.isNegative() || maxDelay.compareTo(baseDelay) < 0) {
      throw new InvalidValueException(
          "retry-policy-invalid",
          "retries need 1 <= attempts and 0 <= base delay <= maximum delay, got "
              + attempts
              + ", "
              + baseDelay
              + " and "
              + maxDelay);
    }
    if (deadline.isNegative()) {
      throw new InvalidValueException(
          "retry-policy-invalid", "the deadline of retries is negative: " + deadline);
    }
  }

  /** The bound of the pause after so many failures in a row, in nanoseconds. */
  long delayBound(int failures) {
    long base = baseDelay.toNanos();
    int doublings = Math.min(failures - 1, Long.numberOfLeadingZeros(Math.max(base, 1)) - 1);
    return Math.min(maxDelay.toNanos(), base << doublings);
  }
}
