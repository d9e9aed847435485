package io.sluice.load;

import io.sluice.model.InvalidValueException;
import java.time.Duration;
import java.util.Objects;

/**
 * How chunks are read.
 *
 * @param parallelism requests in flight, at least 1; fewer while the store throttles
 * @param verifyAttempts how often a chunk with a wrong checksum is read before it is given up
 * @param requestBytes about how many bytes one request reads: neighbouring chunks that are smaller
 *     are read together
 * @param deadline how long one request may take, its repetitions included, before it is made anew
 * @param hedges how many of the last requests of a shard may be made twice at once; 0 for none
 * @param hedgeDelay how long a request is waited for at least before it is made twice
 */
public record ReadSettings(
    int parallelism,
    int verifyAttempts,
    long requestBytes,
    Duration deadline,
    int hedges,
    Duration hedgeDelay) {
  /** Largest request: a chunk has fewer bytes than 2 GiB anyway. */
  public static final long MAX_REQUEST = 1L << 30;

  public ReadSettings {
    Objects.requireNonNull(deadline, "deadline");
    Objects.requireNonNull(hedgeDelay, "hedgeDelay");
    if (parallelism < 1 || verifyAttempts < 1 || hedges < 0) {
      throw new InvalidValueException(
          "load-settings-invalid",
          "a load needs 1 <= parallelism, 1 <= attempts and 0 <= hedges, got "
              + parallelism
              + ", "
              + verifyAttempts
              + " and "
              + hedges);
    }
    if (requestBytes < 1 || requestBytes > MAX_REQUEST) {
      throw new InvalidValueException(
          "load-settings-invalid",
          "a request reads 1 to " + MAX_REQUEST + " bytes, got " + requestBytes);
    }
    if (!deadline.isPositive() || hedgeDelay.isNegative()) {
      throw new InvalidValueException(
          "load-settings-invalid",
          "a load needs a positive deadline and a hedge delay of at least 0, got "
              + deadline
              + " and "
              + hedgeDelay);
    }
  }

  /** 16 requests of about 8 MiB at once, two minutes each, the last two hedged after 200 ms. */
  public static ReadSettings defaults() {
    return new ReadSettings(16, 3, 8 << 20, Duration.ofMinutes(2), 2, Duration.ofMillis(200));
  }
}
