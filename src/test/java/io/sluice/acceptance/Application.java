package io.sluice.acceptance;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The packaged application as a process: the jar, or with {@code -Dnative} the native binary. */
final class Application {
  /** Both take it: a native binary has the options of its runtime among its arguments. */
  private static final String HEAP = "-Xmx256m";

  private Application() {}

  /** The home of the embedded S3 and Redis that the build has made. */
  static Path embeddedHome() {
    return built("acceptance.embedded");
  }

  /** The home of the clients of others that the build has made. */
  static Path benchHome() {
    return built("acceptance.bench");
  }

  /** The real model that the build brings: all-MiniLM-L6-v2 with its tokenizer. */
  static Path realModel() {
    return embeddedHome().resolve("models").resolve("all-MiniLM-L6-v2");
  }

  /**
   * Starts it with arguments; its output goes to a file.
   *
   * @param environment on top of this process' environment without its settings of Sluice
   */
  static Process start(List<String> arguments, Map<String, String> environment, Path log) {
    ProcessBuilder builder = builder(arguments, environment);
    builder.redirectErrorStream(true);
    builder.redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()));
    return start(builder);
  }

  /** The process yet to be started. */
  static ProcessBuilder builder(List<String> arguments, Map<String, String> environment) {
    return builder(built("acceptance.application"), arguments, environment);
  }

  /**
   * The process yet to be started.
   *
   * @param program a jar, which Java runs, or an executable, such as the native binary
   */
  static ProcessBuilder builder(
      Path program, List<String> arguments, Map<String, String> environment) {
    List<String> command = new ArrayList<>();
    if (program.toString().endsWith(".jar")) {
      List<String> java = java(arguments);
      command.addAll(java);
      command.add("-XX:AOTCache=" + AotCache.of(program, java));
      command.add("-jar");
      command.add(program.toString());
    } else {
      command.add(program.toString());
      command.add(HEAP);
    }
    command.addAll(arguments);
    ProcessBuilder builder = new ProcessBuilder(command);
    builder
        .environment()
        .keySet()
        .removeIf(name -> name.startsWith("SLUICE_") || name.startsWith("QUARKUS_"));
    builder.environment().putAll(environment);
    return builder;
  }

  private static List<String> java(List<String> arguments) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of(
            HEAP,
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow"));
    if (arguments.getFirst().equals("serve")) {
      // As the program `sluice` does it: the module says on the standard error that it is there.
      command.add("--add-modules=jdk.incubator.vector");
    }
    return command;
  }

  static Process start(ProcessBuilder builder) {
    try {
      return builder.start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A new folder for logs, in the build's folder so that they can be read after a failure. */
  static Path logs(String name) {
    try {
      Path folder = Path.of("target", "acceptance-logs").toAbsolutePath();
      Files.createDirectories(folder);
      return Files.createTempDirectory(folder, name + "-");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Path built(String property) {
    String path = System.getProperty(property);
    if (path == null || !new File(path).exists()) {
      throw new IllegalStateException(
          "the system property " + property + " names what the build has made, got " + path);
    }
    return Path.of(path).toAbsolutePath().normalize();
  }
}
