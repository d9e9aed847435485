package io.sluice.functions.bench;

import io.micrometer.core.instrument.MeterRegistry;

/**
 * What the store was asked so far, by the meters of the product.
 *
 * @param requests all that were sent
 * @param failed those that failed and were sent again, or not
 * @param bytes read or written
 */
public record StoreCounts(long requests, long failed, long bytes) {
  /** The counts of one operation, such as {@code read}. */
  public static StoreCounts of(MeterRegistry meters, String operation) {
    long requests = 0;
    long ok = 0;
    for (var timer : meters.find("sluice.store.requests").tag("operation", operation).timers()) {
      requests += timer.count();
      if ("ok".equals(timer.getId().getTag("outcome"))) {
        ok += timer.count();
      }
    }
    double bytes = 0;
    for (var counter : meters.find("sluice.store.bytes").tag("operation", operation).counters()) {
      bytes += counter.count();
    }
    return new StoreCounts(requests, requests - ok, (long) bytes);
  }

  /** What came on top since then. */
  public StoreCounts since(StoreCounts before) {
    return new StoreCounts(
        requests - before.requests, failed - before.failed, bytes - before.bytes);
  }
}
