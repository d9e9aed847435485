package io.sluice.functions.engine.lambda;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * How much time the invocation that this instance answers has left. An instance has one at a time.
 */
public final class InstanceTime {
  /** Kept for giving back what is claimed, and for the answer. */
  static final Duration RESERVE = Duration.ofSeconds(10);

  private final Clock clock;
  private final Duration limit;
  private volatile Instant deadline;

  /**
   * @param limit the time limit of the function, for invocations that name no deadline
   */
  public InstanceTime(Clock clock, Duration limit) {
    this.clock = clock;
    this.limit = limit;
    this.deadline = clock.instant().plus(limit);
  }

  void begin(Optional<Instant> stated) {
    deadline = stated.orElseGet(() -> clock.instant().plus(limit));
  }

  /**
   * Time for work: until the deadline less a reserve of 10 seconds, or of a quarter of the limit if
   * that is less.
   */
  Duration left() {
    Duration quarter = limit.dividedBy(4);
    Duration reserve = quarter.compareTo(RESERVE) < 0 ? quarter : RESERVE;
    Duration left = Duration.between(clock.instant(), deadline).minus(reserve);
    return left.isNegative() ? Duration.ZERO : left;
  }
}
