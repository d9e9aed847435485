package io.sluice.functions.cli;

import io.quarkus.runtime.ShutdownEvent;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;

/** Keeps the application alive until the command has cleaned up. */
@ApplicationScoped
class CommandLifecycle {
  void first(@Observes @Priority(1) ShutdownEvent event) {
    CommandGuard.interrupt();
  }

  void last(@Observes @Priority(Integer.MAX_VALUE) ShutdownEvent event) {
    CommandGuard.containerEnds();
  }
}
