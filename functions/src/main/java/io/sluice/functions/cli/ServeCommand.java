package io.sluice.functions.cli;

import io.quarkus.runtime.Quarkus;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code serve}: the functions over HTTP, until told to end. */
@Command(name = "serve", description = "Serves the functions over HTTP and works on jobs.")
final class ServeCommand extends SluiceCommand {
  @Option(
      names = "--port",
      paramLabel = "PORT",
      description = "Port to listen at, 0 for any (default: $QUARKUS_HTTP_PORT or 8080).")
  Integer port;

  @Override
  Needs needs() {
    return Needs.SERVER;
  }

  @Override
  Map<String, String> settings() {
    return port == null ? Map.of() : Map.of("quarkus.http.port", port.toString());
  }

  @Override
  public Integer call() {
    CommandStart.checkConfigured();
    Quarkus.waitForExit();
    return 0;
  }
}
