package io.sluice.functions.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Starts this very program again as another process, whether it is a native binary or a JVM. */
final class CommandProcess {
  private CommandProcess() {}

  /**
   * Starts {@code sluice <arguments>}. The child's standard input stays open as long as this
   * process lives; a child that is told to ends with it.
   *
   * @param environment added to this process' environment
   * @param log file that the child's output is appended to
   */
  static Process start(List<String> arguments, Map<String, String> environment, Path log) {
    List<String> command = new ArrayList<>(self());
    command.addAll(arguments);
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().putAll(environment);
    builder.redirectErrorStream(true);
    builder.redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()));
    try {
      return builder.start();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot start " + command.getFirst(), e);
    }
  }

  /** The words that start this very program. */
  static List<String> self() {
    if (isNative()) {
      return List.of(executable());
    }
    List<String> command = new ArrayList<>(java());
    command.add("--add-modules=jdk.incubator.vector");
    command.add("-jar");
    command.add(Path.of(System.getProperty("java.class.path")).toAbsolutePath().toString());
    return command;
  }

  /** The words that start a JVM as this program has one; from a native executable, any. */
  static List<String> java() {
    return List.of(
        isNative() ? "java" : executable(),
        "-XX:+UseSerialGC",
        "-Xshare:auto",
        "--enable-native-access=ALL-UNNAMED",
        "--sun-misc-unsafe-memory-access=allow");
  }

  /** The environment variable that sets a property, by the rules of MicroProfile Config. */
  static String variable(String property) {
    return property.replaceAll("[^A-Za-z0-9]", "_").toUpperCase(Locale.ROOT);
  }

  private static String executable() {
    return ProcessHandle.current().info().command().orElse("java");
  }

  private static boolean isNative() {
    return System.getProperty("org.graalvm.nativeimage.imagecode") != null;
  }
}
