package io.sluice.functions.cli;

import io.quarkus.runtime.LaunchMode;
import io.quarkus.runtime.Quarkus;
import io.quarkus.runtime.QuarkusApplication;

/** Runs the command line inside the application. */
public final class SluiceApplication implements QuarkusApplication {
  /** Whether this is {@code quarkus:dev}. */
  public static boolean isDevMode() {
    return LaunchMode.current() == LaunchMode.DEVELOPMENT;
  }

  @Override
  public int run(String... args) {
    Quarkus.waitForExit();
    return 0;
  }
}
