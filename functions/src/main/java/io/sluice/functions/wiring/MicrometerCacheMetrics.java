package io.sluice.functions.wiring;

import io.micrometer.core.instrument.MeterRegistry;
import io.sluice.cache.CacheMetrics;
import java.util.Locale;
import java.util.concurrent.TimeUnit;

/** Lookups and fills of caches as meters. */
final class MicrometerCacheMetrics implements CacheMetrics {
  private final MeterRegistry meters;

  MicrometerCacheMetrics(MeterRegistry meters) {
    this.meters = meters;
  }

  @Override
  public void looked(String tier, Lookup outcome, long bytes, long nanos) {
    String name = outcome.name().toLowerCase(Locale.ROOT);
    meters
        .timer("sluice.cache.lookups", "tier", tier, "outcome", name)
        .record(nanos, TimeUnit.NANOSECONDS);
    if (outcome == Lookup.HIT) {
      meters.counter("sluice.cache.bytes", "tier", tier, "direction", "read").increment(bytes);
    }
  }

  @Override
  public void filled(String tier, Fill outcome, long bytes) {
    meters
        .counter(
            "sluice.cache.fills", "tier", tier, "outcome", outcome.name().toLowerCase(Locale.ROOT))
        .increment();
    if (outcome == Fill.STORED) {
      meters.counter("sluice.cache.bytes", "tier", tier, "direction", "written").increment(bytes);
    }
  }
}
