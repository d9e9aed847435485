package io.sluice.job;

import java.time.Duration;
import java.util.Objects;

/**
 * How patient jobs are.
 *
 * @param leaseTtl how long a step belongs to a worker that says nothing
 * @param maxAttempts how often a step is begun before its job fails
 * @param backoffMin pause after the first retryable failure of a step; doubles with each further
 *     one and is spread by ±50 %
 * @param backoffMax longest pause
 * @param noRoomGrace how long a job waits for memory when what is left of it fits no worker that
 *     asks
 * @param retention how long a finished job and its events are kept
 * @param detailRetention how long the tasks, results and plan of a finished job are kept
 * @param maxAge how long a job is kept that nobody works on
 */
public record JobSettings(
    Duration leaseTtl,
    int maxAttempts,
    Duration backoffMin,
    Duration backoffMax,
    Duration noRoomGrace,
    Duration retention,
    Duration detailRetention,
    Duration maxAge) {
  public JobSettings {
    check("leaseTtl", leaseTtl);
    check("backoffMin", backoffMin);
    check("backoffMax", backoffMax);
    check("noRoomGrace", noRoomGrace);
    check("retention", retention);
    check("detailRetention", detailRetention);
    check("maxAge", maxAge);
    if (maxAttempts < 1 || maxAttempts > 1_000) {
      throw JobException.invalid(
          "job-settings-invalid", "maxAttempts lies between 1 and 1000, got " + maxAttempts);
    }
  }

  /** Leases of 15 s, 4 attempts, pauses of 0.5 to 30 s, finished jobs for 24 h. */
  public static JobSettings defaults() {
    return new JobSettings(
        Duration.ofSeconds(15),
        4,
        Duration.ofMillis(500),
        Duration.ofSeconds(30),
        Duration.ofSeconds(30),
        Duration.ofHours(24),
        Duration.ofHours(1),
        Duration.ofDays(7));
  }

  /** With another lifetime of leases. */
  public JobSettings withLeaseTtl(Duration ttl) {
    return new JobSettings(
        ttl, maxAttempts, backoffMin, backoffMax, noRoomGrace, retention, detailRetention, maxAge);
  }

  private static void check(String name, Duration value) {
    Objects.requireNonNull(value, name);
    if (value.toMillis() < 1 || value.toDays() > 3_650) {
      throw JobException.invalid(
          "job-settings-invalid", name + " lies between 1 ms and 10 years, got " + value);
    }
  }
}
