package io.sluice.acceptance.docs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import io.sluice.acceptance.Ports;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Runs the commands of the README in order, as a reader would, and looks for what the README shows
 * of their output.
 *
 * <ul>
 *   <li>A block marked {@code sh} is run by bash and must end with exit code 0.
 *   <li>A block marked {@code sh background} is started, and goes on running until the end.
 *   <li>A block marked {@code sh no-ci} is not run.
 *   <li>Of a block marked {@code text} that follows, every word, every digest and every number of
 *       five digits or more must appear in the output; times and rates are different each time.
 * </ul>
 *
 * <p>They run in a folder of their own with the program as the build has packaged it, and on other
 * ports than the README's, so that they disturb nobody.
 */
class ReadmeCommandsIT {
  private static final String README_PORT = "8080";
  private static final int WORKERS = 4;
  private static final Duration PATIENCE = Duration.ofMinutes(8);

  private static final Pattern STABLE =
      Pattern.compile(
          "sha256:[0-9a-f]{8,64}"
              + "|(?<![\\w./:%-])[A-Za-z][A-Za-z-]{2,}(?![\\w./:%-])"
              + "|(?<![\\w.,:-])[0-9]{5,}(?![\\w.,:-])");

  private record Step(String mark, String commands, String shown) {}

  @TempDir Path folder;
  private int port;
  private Process background;
  private Path backgroundOutput;

  @BeforeEach
  void prepare() throws IOException {
    port = Ports.free(WORKERS);
    backgroundOutput = folder.resolve("background.log");
    Path application = built("acceptance.application");
    Path program = folder.resolve("sluice");
    Files.writeString(
        program,
        String.join(
            "\n",
            "#!/bin/sh",
            "exec '%s' -XX:+UseSerialGC --enable-native-access=ALL-UNNAMED \\"
                .formatted(Path.of(System.getProperty("java.home"), "bin", "java")),
            "  --sun-misc-unsafe-memory-access=allow -jar '%s' \"$@\"".formatted(application),
            ""));
    Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwxr-xr-x"));
    Files.createSymbolicLink(folder.resolve("infra"), root().resolve("infra"));
    Files.createSymbolicLink(folder.resolve("src"), root().resolve("src"));
  }

  @AfterEach
  void stop() throws Exception {
    Files.delete(folder.resolve("infra"));
    Files.delete(folder.resolve("src"));
    if (background != null) {
      background.descendants().forEach(ProcessHandle::destroy);
      background.destroy();
      if (!background.waitFor(30, TimeUnit.SECONDS)) {
        background.destroyForcibly();
      }
    }
  }

  @Test
  void theCommandsDoWhatTheReadmeShows() throws Exception {
    List<Step> steps = steps(Files.readString(root().resolve("README.md")));
    assertThat(steps).as("blocks of commands").hasSizeGreaterThan(5);
    for (Step step : steps) {
      switch (step.mark) {
        case "sh" -> run(step);
        case "sh background" -> start(step);
        case "sh no-ci" -> {}
        default -> fail("a block marked '%s' is neither run nor left out", step.mark);
      }
    }
    assertThat(background).as("the walk starts a server").isNotNull();
    assertThat(background.isAlive()).as("the server of the walk is still up").isTrue();
  }

  private void run(Step step) throws Exception {
    Path output = Files.createTempFile(folder, "step", ".log");
    Process process = bash(step, output);
    if (!process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
      fail("%s%nis not done after %s:%n%s", step.commands, PATIENCE, Files.readString(output));
    }
    String text = Files.readString(output);
    assertThat(process.exitValue())
        .as("exit code of%n%s%nwhich says%n%s%nand the server%n%s", step.commands, text, server())
        .isZero();
    assertThat(missing(step, text))
        .as("shown in the README but not said by%n%s%nwhich says%n%s", step.commands, text)
        .isEmpty();
  }

  private void start(Step step) throws Exception {
    assertThat(background).as("a server that is up already").isNull();
    background = bash(step, backgroundOutput);
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (!missing(step, server()).isEmpty()) {
      if (!background.isAlive() || System.nanoTime() > deadline) {
        fail("%s%ndoes not say %s:%n%s", step.commands, missing(step, server()), server());
      }
      Thread.sleep(100);
    }
  }

  private Process bash(Step step, Path output) throws IOException {
    String commands =
        step.commands
            .replace(README_PORT, Integer.toString(port))
            .replaceAll("(?m)^\\./sluice up\\b", "exec ./sluice up --port " + port);
    ProcessBuilder builder = new ProcessBuilder("bash", "-euo", "pipefail", "-c", commands);
    builder.directory(folder.toFile());
    builder.redirectErrorStream(true).redirectOutput(output.toFile());
    builder
        .environment()
        .keySet()
        .removeIf(name -> name.startsWith("SLUICE_") || name.startsWith("QUARKUS_"));
    // What runs once is compiled the quick way, on machines that have other tests to run.
    builder.environment().put("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1");
    builder.environment().put("SLUICE_HOME", folder.resolve("home").toString());
    builder.environment().put("SLUICE_ENDPOINT", "http://127.0.0.1:" + port);
    builder.environment().put("SLUICE_EMBEDDED_HOME", built("acceptance.embedded").toString());
    return builder.start();
  }

  private static List<String> missing(Step step, String text) {
    return STABLE
        .matcher(step.shown)
        .results()
        .map(MatchResult::group)
        .distinct()
        .filter(word -> !text.contains(word))
        .toList();
  }

  private String server() throws IOException {
    return Files.exists(backgroundOutput) ? Files.readString(backgroundOutput) : "(none)";
  }

  /** The blocks of commands, each with the block of text that follows it, if one does. */
  private static List<Step> steps(String markdown) {
    List<Step> steps = new ArrayList<>();
    String info = null;
    StringBuilder block = new StringBuilder();
    boolean follows = false;
    for (String line : markdown.lines().toList()) {
      if (!line.startsWith("```")) {
        follows &= info != null || line.isBlank();
        block.append(line).append('\n');
      } else if (info == null) {
        info = line.substring(3).strip();
        block.setLength(0);
      } else {
        if (info.equals("sh") || info.startsWith("sh ")) {
          steps.add(new Step(info, block.toString(), ""));
          follows = true;
        } else if (info.equals("text") && follows) {
          Step last = steps.removeLast();
          steps.add(new Step(last.mark, last.commands, block.toString()));
          follows = false;
        }
        info = null;
      }
    }
    return steps;
  }

  private static Path root() {
    Path at = Path.of("").toAbsolutePath();
    while (!Files.isRegularFile(at.resolve("mvnw"))) {
      at = at.getParent();
      if (at == null) {
        throw new IllegalStateException("no folder above this one has an mvnw");
      }
    }
    return at;
  }

  private static Path built(String property) {
    Path path = Path.of(System.getProperty(property)).toAbsolutePath().normalize();
    assertThat(path).as(property + ", which the build makes").exists();
    return path;
  }
}
