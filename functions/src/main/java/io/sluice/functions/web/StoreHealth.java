package io.sluice.functions.web;

import io.sluice.model.SluiceException;
import io.sluice.storage.ShardStore;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.HealthCheckResponseBuilder;
import org.eclipse.microprofile.health.Readiness;

/** Ready means that the store answers; Redis has a check of its own from its extension. */
@Readiness
@ApplicationScoped
public class StoreHealth implements HealthCheck {
  private static final String PROBE = "health/probe";

  @Inject ShardStore store;

  @Override
  public HealthCheckResponse call() {
    HealthCheckResponseBuilder response = HealthCheckResponse.named("Shard store");
    try {
      store.head(PROBE);
      return response.up().build();
    } catch (SluiceException e) {
      // That the probe is missing is an answer too.
      return e.code().equals("object-missing")
          ? response.up().build()
          : response.down().withData("code", e.code()).withData("detail", e.getMessage()).build();
    }
  }
}
