package io.sluice.functions.cli;

import io.sluice.launcher.EmbeddedEndpoints;
import io.sluice.launcher.EmbeddedProcess;
import io.sluice.launcher.Launch;
import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The embedded S3 and Redis of the commands that want them: {@code up}, {@code demo} and everything
 * with {@code --local}. They run as a child process, started before Quarkus reads its
 * configuration, because their addresses become part of it.
 */
public final class LocalStack {
  private static volatile LocalStack current;

  private final Map<String, String> settings;
  private final Optional<EmbeddedProcess> process;

  private LocalStack(Map<String, String> settings, Optional<EmbeddedProcess> process) {
    this.settings = Map.copyOf(settings);
    this.process = process;
  }

  /**
   * Starts or finds the stack if the command wants one, and makes its addresses this process'
   * configuration.
   *
   * @param words the command line
   * @throws SluiceException if it cannot be started
   */
  public static void prepare(List<String> words) {
    String command = words.isEmpty() ? "" : words.getFirst();
    boolean own = command.equals("up") || command.equals("demo");
    if ((!own && !words.contains("--local")) || words.contains("--help") || words.contains("-h")) {
      return;
    }
    Optional<RunningStack> running = own ? Optional.empty() : RunningStack.find();
    LocalStack stack =
        running.isPresent()
            ? new LocalStack(running.get().settings(), Optional.empty())
            : start(command.equals("demo") ? Optional.empty() : Optional.of(dataDirectory(words)));
    stack.settings.forEach(System::setProperty);
    current = stack;
  }

  /** The stack of this process, if its command has one. */
  public static Optional<LocalStack> current() {
    return Optional.ofNullable(current);
  }

  /** Whether another process, {@code sluice up}, runs the stack. */
  public boolean foreign() {
    return process.isEmpty();
  }

  /** The configuration that leads to the stack, by property name. */
  public Map<String, String> settings() {
    return settings;
  }

  /** Stops what was started; safe to call twice. */
  public void close() {
    process.ifPresent(EmbeddedProcess::close);
  }

  private static LocalStack start(Optional<Path> data) {
    Path home =
        Path.of(
            Optional.ofNullable(System.getenv("SLUICE_EMBEDDED_HOME")).orElse("sluice-embedded"));
    try {
      Launch launch = Launch.ofHome(home);
      EmbeddedProcess process = EmbeddedProcess.start(data.map(launch::withData).orElse(launch));
      LocalStack stack = new LocalStack(settings(process.endpoints()), Optional.of(process));
      Runtime.getRuntime().addShutdownHook(new Thread(stack::close, "sluice-local-stack"));
      return stack;
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

  private static Path dataDirectory(List<String> words) {
    int at = words.indexOf("--data");
    if (at >= 0 && at + 1 < words.size()) {
      return Path.of(words.get(at + 1));
    }
    return words.stream()
        .filter(w -> w.startsWith("--data="))
        .map(w -> Path.of(w.substring("--data=".length())))
        .findFirst()
        .orElseGet(() -> RunningStack.home().resolve("data"));
  }
}
