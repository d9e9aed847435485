package io.sluice.functions.web;

import io.sluice.functions.auth.AccessTable;
import io.sluice.functions.config.SluiceConfig;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Inject;
import java.util.Optional;
import org.eclipse.microprofile.config.inject.ConfigProperty;

/**
 * An instance of a Lambda function is one function: the others of the program, and whatever else
 * changes something, are not there. Looking, and cancelling a job, is possible everywhere. {@link
 * AccessTable} says which route is which.
 */
@ApplicationScoped
public class OneFunction {
  @Inject SluiceConfig config;

  @ConfigProperty(name = "quarkus.funqy.export")
  Optional<String> export;

  /** Next behind the guard, before every route that reads a body itself. */
  void register(@Observes @Priority(2) Router router) {
    if (config.engine() == SluiceConfig.Engine.LAMBDA && export.isPresent()) {
      router.route().order(AccessGuard.ORDER).handler(this::pass);
    }
  }

  private void pass(RoutingContext context) {
    if (AccessTable.isOn(export.orElseThrow(), context.normalizedPath())) {
      context.next();
    } else {
      context.fail(404);
    }
  }
}
