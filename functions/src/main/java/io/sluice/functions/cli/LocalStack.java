package io.sluice.functions.cli;

import io.sluice.launcher.EmbeddedEndpoints;
import io.sluice.launcher.EmbeddedProcess;
import io.sluice.launcher.Launch;
import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * The embedded S3 and Redis of the commands that want them: {@code up}, {@code demo} and everything
 * with {@code --local}. They run as a child process, started before Quarkus reads its
 * configuration, because their addresses become part of it.
 */
final class LocalStack {
  private static volatile LocalStack current;

  private final Map<String, String> settings;
  private final Optional<EmbeddedProcess> process;
  private final double startSeconds;
  private volatile Optional<URI> endpoint;

  private LocalStack(
      Map<String, String> settings,
      Optional<EmbeddedProcess> process,
      Optional<URI> endpoint,
      double startSeconds) {
    this.settings = Map.copyOf(settings);
    this.process = process;
    this.endpoint = endpoint;
    this.startSeconds = startSeconds;
  }

  /**
   * Starts a stack for this process and makes it its configuration.
   *
   * @param data where its objects are kept; a temporary directory if empty
   * @throws SluiceException if it cannot be started
   */
  static void start(Optional<Path> data) {
    Path home =
        Path.of(
            Optional.ofNullable(System.getenv("SLUICE_EMBEDDED_HOME")).orElse("sluice-embedded"));
    long start = System.nanoTime();
    try {
      Launch launch = Launch.ofHome(home);
      EmbeddedProcess process = EmbeddedProcess.start(data.map(launch::withData).orElse(launch));
      AtExit.add(process::close);
      use(
          new LocalStack(
              settings(process.endpoints()),
              Optional.of(process),
              Optional.empty(),
              (System.nanoTime() - start) / 1e9));
    } catch (IOException | IllegalArgumentException e) {
      throw new SluiceException(
          ErrorKind.FATAL,
          "local-stack-failed",
          "cannot start the embedded S3 and Redis of "
              + home.toAbsolutePath()
              + ": "
              + e.getMessage(),
          e);
    }
  }

  /** Uses the stack of a running {@code sluice up}, or starts one on the same data. */
  static void findOrStart() {
    Optional<RunningStack> running = RunningStack.find();
    if (running.isPresent()) {
      use(
          new LocalStack(
              running.get().settings(),
              Optional.empty(),
              Optional.of(running.get().endpoint()),
              0));
    } else {
      start(Optional.of(RunningStack.home().resolve("data")));
    }
  }

  /** The stack of this process, if its command has one. */
  static Optional<LocalStack> current() {
    return Optional.ofNullable(current);
  }

  /** The server beside the stack, if there is one. */
  Optional<URI> endpoint() {
    return endpoint;
  }

  /** A server beside the stack was started. */
  void serveAt(URI address) {
    endpoint = Optional.of(address);
  }

  /** The configuration that leads to the stack, by property name. */
  Map<String, String> settings() {
    return settings;
  }

  /** How long it took to start. */
  double startSeconds() {
    return startSeconds;
  }

  /** Completes with the exit code when the process of the stack ends by itself. */
  CompletableFuture<Integer> onExit() {
    return process.map(EmbeddedProcess::onExit).orElseGet(CompletableFuture::new);
  }

  private static void use(LocalStack stack) {
    stack.settings.forEach(System::setProperty);
    current = stack;
  }

  private static Map<String, String> settings(EmbeddedEndpoints endpoints) {
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("quarkus.s3.endpoint-override", endpoints.endpoint());
    settings.put("quarkus.s3.path-style-access", "true");
    settings.put("quarkus.s3.aws.region", endpoints.region());
    settings.put("quarkus.s3.aws.credentials.type", "static");
    settings.put("quarkus.s3.aws.credentials.static-provider.access-key-id", endpoints.accessKey());
    settings.put(
        "quarkus.s3.aws.credentials.static-provider.secret-access-key", endpoints.secretKey());
    settings.put("quarkus.redis.hosts", endpoints.redisUrl());
    settings.put("sluice.store", "s3");
    settings.put("sluice.s3.bucket", endpoints.bucket());
    return settings;
  }
}
