package io.sluice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;

/**
 * The Python whose libraries say what is right: {@code python3} of the PATH, or what the
 * environment variable {@code ACCEPTANCE_PYTHON} names.
 */
final class Python {
  private static final String PROGRAM =
      System.getenv().getOrDefault("ACCEPTANCE_PYTHON", "python3");

  private final Path folder;

  private Python(Path folder) {
    this.folder = folder;
  }

  /**
   * A Python with these modules; the test is skipped, and says so, where there is none.
   *
   * @param folder for files, the test's own
   * @param modules as {@code import} names them
   */
  static Python with(Path folder, String... modules) {
    Python python = new Python(folder);
    String said;
    try {
      Said imported = python.run(List.of("-c", "import " + String.join(", ", modules)), null);
      said = imported.exit() == 0 ? "" : imported.errors().strip();
    } catch (UncheckedIOException e) {
      said = e.getCause().getMessage();
    }
    Assumptions.assumeTrue(
        said.isEmpty(),
        "skipped: '" + PROGRAM + "' has no " + String.join(", ", modules) + ": " + said);
    return python;
  }

  /** How a process ended, and what it said. */
  private record Said(int exit, String out, String errors) {}

  /**
   * Runs a script that lies beside this class and has to succeed.
   *
   * @param name of its file
   * @return what it says
   */
  String script(String name, List<String> arguments) {
    Path script = folder.resolve(name);
    try (InputStream in = Python.class.getResourceAsStream(name)) {
      Files.write(script, in.readAllBytes());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return file(script, null, arguments);
  }

  /**
   * Runs a script that has to succeed.
   *
   * @param input what it reads, or null for nothing
   * @return what it says
   */
  String file(Path script, Path input, List<String> arguments) {
    List<String> words = new ArrayList<>(List.of(script.toString()));
    words.addAll(arguments);
    Said said = run(words, input);
    assertThat(said.exit()).as("%s says%n%s%s", script, said.out(), said.errors()).isZero();
    return said.out().strip();
  }

  private Said run(List<String> words, Path input) {
    List<String> command = new ArrayList<>(List.of(PROGRAM));
    command.addAll(words);
    try {
      Path out = Files.createTempFile(folder, "python", ".out");
      Path errors = Files.createTempFile(folder, "python", ".err");
      Process process =
          new ProcessBuilder(command)
              .redirectInput(input == null ? Path.of("/dev/null").toFile() : input.toFile())
              .redirectOutput(out.toFile())
              .redirectError(errors.toFile())
              .start();
      if (!process.waitFor(5, TimeUnit.MINUTES)) {
        process.destroyForcibly();
        throw new AssertionError("Python does not end: " + command);
      }
      return new Said(process.exitValue(), Files.readString(out), Files.readString(errors));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(e);
    }
  }
}
