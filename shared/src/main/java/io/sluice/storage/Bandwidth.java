package io.sluice.storage;

import io.sluice.model.InvalidValueException;

/**
 * A line of bounded bandwidth that transfers share: each takes it for as long as its bytes need, in
 * order of arrival (a token bucket of the size of one transfer). Thread-safe.
 */
public final class Bandwidth {
  private final double nanosPerByte;
  private boolean used;
  private long freeAt;

  /** A time on the line, by {@link System#nanoTime}. */
  record Slot(long begin, long end) {}

  /**
   * @param bytesPerSecond positive
   */
  public Bandwidth(long bytesPerSecond) {
    if (bytesPerSecond < 1) {
      throw new InvalidValueException(
          "bandwidth-invalid", "a bandwidth is at least 1 byte a second, got " + bytesPerSecond);
    }
    this.nanosPerByte = 1e9 / bytesPerSecond;
  }

  /** The next free time for so many bytes. */
  synchronized Slot take(long bytes, long now) {
    long begin = used && freeAt - now > 0 ? freeAt : now;
    used = true;
    freeAt = begin + Math.round(bytes * nanosPerByte);
    return new Slot(begin, freeAt);
  }
}
