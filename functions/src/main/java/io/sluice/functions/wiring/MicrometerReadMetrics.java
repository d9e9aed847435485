package io.sluice.functions.wiring;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.sluice.load.ReadMetrics;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** Requests, repetitions and hedges of loads as meters. */
final class MicrometerReadMetrics implements ReadMetrics {
  private final Timer requests;
  private final Counter bytes;
  private final Counter retries;
  private final Counter throttled;
  private final Counter rereads;
  private final Counter hedges;
  private final Counter hedgesWon;
  private final AtomicInteger window;

  MicrometerReadMetrics(MeterRegistry meters) {
    this.requests = meters.timer("sluice.load.requests");
    this.bytes = meters.counter("sluice.load.bytes");
    this.retries = meters.counter("sluice.load.retries", "throttled", "false");
    this.throttled = meters.counter("sluice.load.retries", "throttled", "true");
    this.rereads = meters.counter("sluice.load.rereads");
    this.hedges = meters.counter("sluice.load.hedges");
    this.hedgesWon = meters.counter("sluice.load.hedges.won");
    this.window = meters.gauge("sluice.load.window", new AtomicInteger());
  }

  @Override
  public void read(long count, long nanos) {
    requests.record(nanos, TimeUnit.NANOSECONDS);
    bytes.increment(count);
  }

  @Override
  public void retried(boolean wasThrottled) {
    (wasThrottled ? throttled : retries).increment();
  }

  @Override
  public void reread() {
    rereads.increment();
  }

  @Override
  public void hedged() {
    hedges.increment();
  }

  @Override
  public void hedgeWon() {
    hedgesWon.increment();
  }

  @Override
  public void window(int limit) {
    window.set(limit);
  }
}
