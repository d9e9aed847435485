package io.sluice.devservices.deployment;

import io.quarkus.deployment.builditem.Startable;
import io.sluice.launcher.EmbeddedEndpoints;
import io.sluice.launcher.EmbeddedProcess;
import io.sluice.launcher.Launch;
import java.io.IOException;
import java.io.UncheckedIOException;

/** The embedded program as Quarkus starts and closes it. */
final class EmbeddedService implements Startable {
  private final Launch launch;
  private EmbeddedProcess process;

  EmbeddedService(Launch launch) {
    this.launch = launch;
  }

  @Override
  public synchronized void start() {
    if (process != null) {
      throw new IllegalStateException("already started: " + process.endpoints());
    }
    try {
      process = EmbeddedProcess.start(launch);
    } catch (IOException e) {
      throw new UncheckedIOException("dev services: " + e.getMessage(), e);
    }
  }

  synchronized EmbeddedEndpoints endpoints() {
    if (process == null) {
      throw new IllegalStateException("not started");
    }
    return process.endpoints();
  }

  @Override
  public String getConnectionInfo() {
    return endpoints().endpoint() + " and " + endpoints().redisUrl();
  }

  /** There is no container. */
  @Override
  public String getContainerId() {
    return null;
  }

  @Override
  public synchronized void close() {
    if (process != null) {
      process.close();
    }
  }
}
