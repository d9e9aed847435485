package io.sluice.functions.wiring;

import io.micrometer.core.instrument.MeterRegistry;
import io.sluice.functions.config.SluiceConfig.StoreKind;
import io.sluice.model.ErrorKind;
import io.sluice.storage.StoreMetrics;
import java.util.Locale;
import java.util.concurrent.TimeUnit;

/** Requests, bytes, failures and times of a store as meters that bear its kind. */
final class MicrometerStoreMetrics implements StoreMetrics {
  private final MeterRegistry meters;
  private final String store;

  MicrometerStoreMetrics(MeterRegistry meters, StoreKind store) {
    this.meters = meters;
    this.store = store.text();
  }

  @Override
  public void succeeded(Operation operation, long bytes, long nanos) {
    record(operation, "ok", bytes, nanos);
  }

  @Override
  public void failed(Operation operation, ErrorKind kind, long bytes, long nanos) {
    record(operation, kind.name().toLowerCase(Locale.ROOT), bytes, nanos);
  }

  private void record(Operation operation, String outcome, long bytes, long nanos) {
    String name = operation.name().toLowerCase(Locale.ROOT);
    meters
        .timer("sluice.store.requests", "operation", name, "outcome", outcome, "store", store)
        .record(nanos, TimeUnit.NANOSECONDS);
    if (bytes > 0) {
      meters.counter("sluice.store.bytes", "operation", name, "store", store).increment(bytes);
    }
  }
}
