package io.sluice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** The command line: the packaged application as a process that runs one command. */
final class Cli {
  private final Map<String, String> environment;
  private final Path logs = Application.logs("cli");

  /**
   * A command that has ended.
   *
   * @param out standard output
   * @param err standard error
   */
  record Run(List<String> words, int exit, String out, String err) {
    /** The one document of a command that has to succeed. */
    JsonNode json() {
      succeeded();
      return Api.parse(out);
    }

    Run succeeded() {
      assertThat(exit).as(this.toString()).isZero();
      return this;
    }

    /** The error in one line, after whatever progress there was; nothing on standard output. */
    void failed(int code, String error) {
      assertThat(exit).as(this.toString()).isEqualTo(code);
      assertThat(out).as(this.toString()).isEmpty();
      List<String> lines =
          err.strip().lines().filter(line -> !line.startsWith("Picked up JAVA_TOOL_OPT")).toList();
      assertThat(lines.getLast())
          .as(this.toString())
          .startsWith("sluice: ")
          .endsWith("(" + error + ")");
      assertThat(lines.subList(0, lines.size() - 1))
          .as(this.toString())
          .allMatch(line -> line.matches("(upload|copy|load|compute|pull): .* (tasks|chunks), .*"));
    }
  }

  /** Commands against a cluster: its store, its Redis, its first worker as endpoint. */
  Cli(Cluster cluster) {
    this(cluster.environment());
    environment.put("SLUICE_ENDPOINT", cluster.api().base().toString());
  }

  /** Commands with an environment. */
  Cli(Map<String, String> environment) {
    this.environment = new LinkedHashMap<>(environment);
    this.environment.put("SLUICE_HOME", logs.resolve("home").toString());
    this.environment.put("SLUICE_EMBEDDED_HOME", Application.embeddedHome().toString());
  }

  /** Starts a command; its output goes to files {@code <name>.out} and {@code <name>.err}. */
  Process start(String name, String... words) {
    ProcessBuilder builder = Application.builder(List.of(words), environment);
    builder.redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()));
    builder.redirectOutput(logs.resolve(name + ".out").toFile());
    builder.redirectError(logs.resolve(name + ".err").toFile());
    return Application.start(builder);
  }

  /** Runs a command to its end. */
  Run run(String... words) {
    String name = words[0] + "-" + System.nanoTime();
    return end(name, start(name, words), words);
  }

  /** Waits for the end of a command. */
  Run end(String name, Process process, String... words) {
    try {
      if (!process.waitFor(Await.LONG.toSeconds(), TimeUnit.SECONDS)) {
        process.destroyForcibly();
        throw new AssertionError("'" + String.join(" ", words) + "' does not end");
      }
      return new Run(
          List.of(words),
          process.exitValue(),
          Files.readString(logs.resolve(name + ".out")),
          Files.readString(logs.resolve(name + ".err")));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(e);
    }
  }
}
