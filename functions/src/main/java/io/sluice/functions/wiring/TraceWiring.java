package io.sluice.functions.wiring;

import io.quarkus.runtime.ShutdownEvent;
import io.sluice.functions.config.SluiceConfig;
import io.sluice.functions.trace.OtlpExporter;
import io.sluice.functions.trace.Tracer;
import jakarta.enterprise.event.Observes;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.Optional;

/** Where traces go, if they go anywhere: nothing of it exists otherwise. */
@Singleton
public class TraceWiring {
  @Inject SluiceConfig config;

  private volatile Optional<OtlpExporter> exporter = Optional.empty();

  @Produces
  @Singleton
  Tracer tracer() {
    String worker = config.worker().id().orElse("sluice-" + ProcessHandle.current().pid());
    exporter = config.trace().endpoint().map(endpoint -> new OtlpExporter(endpoint, worker));
    return exporter.map(Tracer::to).orElse(Tracer.OFF);
  }

  /** What waits is sent while there is a network. */
  void stop(@Observes ShutdownEvent event) {
    exporter.ifPresent(OtlpExporter::close);
  }
}
