package io.sluice.functions.wiring;

import io.micrometer.core.instrument.MeterRegistry;
import io.sluice.job.StepMetrics;
import java.util.Locale;
import java.util.concurrent.TimeUnit;

/** Times, failures and lost leases of the steps of jobs as meters. */
final class MicrometerStepMetrics implements StepMetrics {
  private final MeterRegistry meters;

  MicrometerStepMetrics(MeterRegistry meters) {
    this.meters = meters;
  }

  @Override
  public void ended(String kind, Step step, End end, long nanos) {
    meters
        .timer(
            "sluice.job.steps",
            "kind",
            kind,
            "step",
            step.name().toLowerCase(Locale.ROOT),
            "outcome",
            end.name().toLowerCase(Locale.ROOT))
        .record(nanos, TimeUnit.NANOSECONDS);
  }
}
