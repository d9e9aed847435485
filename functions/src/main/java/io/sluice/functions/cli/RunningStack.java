package io.sluice.functions.cli;

import java.io.IOException;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;

/**
 * The note that {@code sluice up} leaves while it runs, so that {@code --local} finds it.
 *
 * @param pid the process that runs the stack
 * @param endpoint the first of its workers
 * @param settings the configuration that leads to it, by property name
 */
record RunningStack(long pid, URI endpoint, Map<String, String> settings) {
  private static final String PID = "pid";
  private static final String ENDPOINT = "sluice.endpoint";

  /** Where Sluice keeps what belongs to this user and machine. */
  static Path home() {
    String home = System.getenv("SLUICE_HOME");
    return home != null ? Path.of(home) : Path.of(System.getProperty("user.home"), ".sluice");
  }

  /** The stack that runs now, if there is one. */
  static Optional<RunningStack> find() {
    Properties note = new Properties();
    try (Reader reader = Files.newBufferedReader(file())) {
      note.load(reader);
    } catch (java.nio.file.NoSuchFileException e) {
      return Optional.empty();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file(), e);
    }
    Map<String, String> settings = new LinkedHashMap<>();
    note.stringPropertyNames().forEach(name -> settings.put(name, note.getProperty(name)));
    long pid = Long.parseLong(Optional.ofNullable(settings.remove(PID)).orElse("-1"));
    String endpoint = settings.remove(ENDPOINT);
    boolean alive = ProcessHandle.of(pid).map(ProcessHandle::isAlive).orElse(false);
    return alive && endpoint != null
        ? Optional.of(new RunningStack(pid, URI.create(endpoint), settings))
        : Optional.empty();
  }

  /** Leaves the note; it holds credentials, so only the user may read it. */
  void write() {
    try {
      Files.createDirectories(home());
      Path temporary =
          Files.createTempFile(
              home(),
              "up",
              ".properties",
              PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
      Properties note = new Properties();
      note.putAll(settings);
      note.setProperty(PID, Long.toString(pid));
      note.setProperty(ENDPOINT, endpoint.toString());
      try (Writer writer = Files.newBufferedWriter(temporary)) {
        note.store(writer, "sluice up");
      }
      Files.move(temporary, file(), StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write " + file(), e);
    }
  }

  /** Takes the note away. */
  static void remove() {
    try {
      Files.deleteIfExists(file());
    } catch (IOException e) {
      throw new UncheckedIOException("cannot delete " + file(), e);
    }
  }

  private static Path file() {
    return home().resolve("up.properties");
  }
}
