package io.sluice.functions.wiring;

import io.micrometer.core.instrument.MeterRegistry;
import io.sluice.http.HttpFailure;
import io.sluice.http.Origin;
import io.sluice.http.TransportMetrics;
import java.util.Locale;
import java.util.concurrent.TimeUnit;

/** Connections, answers and failures of the transport as meters. */
final class MicrometerTransportMetrics implements TransportMetrics {
  private final MeterRegistry meters;

  MicrometerTransportMetrics(MeterRegistry meters) {
    this.meters = meters;
  }

  @Override
  public void connected(Origin origin, long nanos) {
    meters.timer("sluice.http.connections").record(nanos, TimeUnit.NANOSECONDS);
  }

  @Override
  public void answered(Origin origin, int status) {
    meters.counter("sluice.http.answers", "status", String.valueOf(status)).increment();
  }

  @Override
  public void failed(Origin origin, HttpFailure.Reason reason) {
    meters
        .counter("sluice.http.failures", "reason", reason.name().toLowerCase(Locale.ROOT))
        .increment();
  }
}
