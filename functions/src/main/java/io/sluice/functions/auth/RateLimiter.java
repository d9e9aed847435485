package io.sluice.functions.auth;

import java.time.Duration;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.function.LongSupplier;

/**
 * A bucket of requests for each caller: it fills at a rate, up to twice what comes in a second, and
 * each request takes one out. A bucket that is full again says nothing and is forgotten.
 */
public final class RateLimiter {
  private static final int MAX_BUCKETS = 10_000;

  private final double perNano;
  private final double capacity;
  private final LongSupplier nanos;
  private final ConcurrentMap<String, Bucket> buckets = new ConcurrentHashMap<>();

  /** What was in a bucket at a time, by {@link System#nanoTime}. */
  private record Bucket(double content, long at, boolean granted) {}

  /**
   * @param perSecond requests a second of each caller; 0 for no bound
   * @param nanos the clock
   */
  public RateLimiter(int perSecond, LongSupplier nanos) {
    this.perNano = perSecond / 1e9;
    this.capacity = 2.0 * perSecond;
    this.nanos = nanos;
  }

  /** Takes one request; how long to wait before the next try if there is none to take. */
  public Duration take(String caller) {
    if (capacity == 0) {
      return Duration.ZERO;
    }
    long now = nanos.getAsLong();
    if (buckets.size() >= MAX_BUCKETS) {
      buckets.values().removeIf(bucket -> content(bucket, now) >= capacity);
    }
    Bucket bucket =
        buckets.compute(
            caller,
            (name, old) -> {
              double content = old == null ? capacity : content(old, now);
              return content >= 1
                  ? new Bucket(content - 1, now, true)
                  : new Bucket(content, now, false);
            });
    return bucket.granted()
        ? Duration.ZERO
        : Duration.ofNanos((long) Math.ceil((1 - bucket.content()) / perNano));
  }

  private double content(Bucket bucket, long now) {
    return Math.min(capacity, bucket.content() + Math.max(0, now - bucket.at()) * perNano);
  }
}
