package io.sluice.launcher;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/** Finds a {@code java} that is new enough, also when this program is a native image. */
final class JavaFinder {
  /** The oldest release that runs the embedded program. */
  static final int MINIMUM_RELEASE = 25;

  private final Optional<String> runningJavaHome;
  private final Map<String, String> environment;

  JavaFinder() {
    this(Optional.ofNullable(System.getProperty("java.home")), System.getenv());
  }

  JavaFinder(Optional<String> runningJavaHome, Map<String, String> environment) {
    this.runningJavaHome = runningJavaHome;
    this.environment = environment;
  }

  /**
   * The first of the running JVM's {@code java}, {@code JAVA_HOME}'s and those on {@code PATH} that
   * is release {@value #MINIMUM_RELEASE} or later; a {@code java} that does not say its release is
   * trusted.
   *
   * @throws IOException if there is none; the message names what was looked at
   */
  Path find() throws IOException {
    List<String> refused = new ArrayList<>();
    for (Map.Entry<Path, String> candidate : candidates().entrySet()) {
      Path java = candidate.getKey();
      if (!Files.isExecutable(java)) {
        refused.add(java + " (" + candidate.getValue() + "): not there");
        continue;
      }
      OptionalInt release = release(java);
      if (release.isPresent() && release.getAsInt() < MINIMUM_RELEASE) {
        refused.add(java + " (" + candidate.getValue() + "): is Java " + release.getAsInt());
        continue;
      }
      return java;
    }
    throw new IOException(
        "no java of release "
            + MINIMUM_RELEASE
            + " or later for the embedded S3 and Redis; set JAVA_HOME. Looked at "
            + refused);
  }

  private Map<Path, String> candidates() {
    Map<Path, String> candidates = new LinkedHashMap<>();
    runningJavaHome
        .filter(home -> !home.isEmpty())
        .ifPresent(home -> candidates.putIfAbsent(javaOf(home), "running JVM"));
    Optional.ofNullable(environment.get("JAVA_HOME"))
        .filter(home -> !home.isEmpty())
        .ifPresent(home -> candidates.putIfAbsent(javaOf(home), "JAVA_HOME"));
    for (String folder : environment.getOrDefault("PATH", "").split(File.pathSeparator)) {
      Path java = Path.of(folder, "java");
      if (!folder.isEmpty() && Files.isExecutable(java)) {
        candidates.putIfAbsent(java, "PATH");
      }
    }
    return candidates;
  }

  private static Path javaOf(String home) {
    return Path.of(home, "bin", "java");
  }

  /** The release a JDK states in its {@code release} file: {@code JAVA_VERSION="25.0.1"}. */
  private static OptionalInt release(Path java) throws IOException {
    Path file = java.toRealPath().getParent().resolveSibling("release");
    if (!Files.isRegularFile(file)) {
      return OptionalInt.empty();
    }
    for (String line : Files.readAllLines(file)) {
      if (line.startsWith("JAVA_VERSION=\"")) {
        return feature(line.substring("JAVA_VERSION=\"".length()));
      }
    }
    return OptionalInt.empty();
  }

  private static OptionalInt feature(String version) {
    String plain = version.startsWith("1.") ? version.substring(2) : version;
    int end = 0;
    while (end < plain.length() && end < 4 && Character.isDigit(plain.charAt(end))) {
      end++;
    }
    return end == 0 ? OptionalInt.empty() : OptionalInt.of(Integer.parseInt(plain, 0, end, 10));
  }
}
