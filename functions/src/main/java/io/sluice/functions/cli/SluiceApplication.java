package io.sluice.functions.cli;

import io.quarkus.arc.Unremovable;
import io.quarkus.runtime.QuarkusApplication;
import io.quarkus.vertx.http.HttpServer;
import jakarta.enterprise.context.Dependent;
import jakarta.enterprise.inject.Instance;
import jakarta.inject.Inject;
import java.net.URI;
import picocli.CommandLine;

/** Runs the command line inside of the application. */
@Dependent
@Unremovable
public class SluiceApplication implements QuarkusApplication {
  @Inject CommandLine.IFactory commands;
  @Inject Instance<HttpServer> server;

  @Override
  public int run(String... args) {
    CommandGuard.containerStarted();
    LocalStack.current()
        .filter(stack -> System.getProperty("quarkus.http.host-enabled") == null)
        .ifPresent(
            stack -> stack.serveAt(URI.create("http://127.0.0.1:" + server.get().getPort())));
    CommandLine line = CommandTree.create(commands);
    return CommandGuard.run(() -> line.execute(args));
  }
}
