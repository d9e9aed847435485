package io.sluice.functions.cli;

import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;
import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** The {@code memcached} of this machine for the time of a measurement, if it has one. */
final class BenchMemcached implements AutoCloseable {
  private static final String HOST = "127.0.0.1";
  private static final Duration START = Duration.ofSeconds(20);
  private static final Duration PAUSE = Duration.ofMillis(20);

  private final Process process;
  private final int port;

  private BenchMemcached(Process process, int port) {
    this.process = process;
    this.port = port;
  }

  /**
   * Starts it and waits until it takes connections; empty if there is no such program.
   *
   * @param bytes that it has to keep
   * @param folder for what it says
   */
  static Optional<BenchMemcached> start(long bytes, Path folder)
      throws IOException, InterruptedException {
    Optional<Path> program =
        Stream.of(Optional.ofNullable(System.getenv("PATH")).orElse("").split(File.pathSeparator))
            .filter(place -> !place.isEmpty())
            .map(place -> Path.of(place, "memcached"))
            .filter(Files::isExecutable)
            .findFirst();
    if (program.isEmpty()) {
      return Optional.empty();
    }
    int port;
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getByName(HOST))) {
      port = free.getLocalPort();
    }
    // Pages of slabs that are not full take room as well.
    long megabytes = Math.max(64, 2 * (bytes >> 20));
    Process process =
        new ProcessBuilder(
                program.get().toString(),
                "-l",
                HOST,
                "-p",
                Integer.toString(port),
                "-m",
                Long.toString(megabytes),
                "-I",
                "4m",
                "-u",
                System.getProperty("user.name"))
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("memcached.log").toFile())
            .start();
    BenchMemcached server = new BenchMemcached(process, port);
    AtExit.add(server::close);
    server.awaitListening();
    return Optional.of(server);
  }

  /** Its address, {@code host:port}. */
  String address() {
    return HOST + ":" + port;
  }

  private void awaitListening() throws InterruptedException {
    long deadline = System.nanoTime() + START.toNanos();
    while (true) {
      try {
        new Socket(HOST, port).close();
        return;
      } catch (IOException e) {
        if (!process.isAlive() || System.nanoTime() - deadline > 0) {
          close();
          throw new SluiceException(
              ErrorKind.FATAL,
              "bench-memcached-failed",
              "memcached did not listen on " + address() + " within " + START.toSeconds() + " s",
              e);
        }
      }
      Thread.sleep(PAUSE);
    }
  }

  /** Ends it; a second call does nothing. */
  @Override
  public void close() {
    process.destroy();
    boolean interrupted = Thread.interrupted();
    try {
      if (!process.waitFor(5, TimeUnit.SECONDS)) {
        process.destroyForcibly().waitFor();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      interrupted = true;
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
