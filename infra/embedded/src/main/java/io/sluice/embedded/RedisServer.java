package io.sluice.embedded;

import io.sluice.launcher.FileTree;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import redis.embedded.core.ExecutableProvider;
import redis.embedded.model.OsArchitecture;

/**
 * A redis-server without persistence, in a process of its own, under a shell that supervises it
 * (see {@code redis-supervisor.sh}): the shell kills Redis and deletes the temporary directory as
 * soon as its standard input closes, hence also when this JVM is killed.
 */
final class RedisServer implements AutoCloseable {
  private static final String SUPERVISOR = "redis-supervisor.sh";
  private static final Duration START_TIMEOUT = Duration.ofSeconds(60);
  private static final Duration STOP_TIMEOUT = Duration.ofSeconds(10);
  private static final int PORT_ATTEMPTS = 5;
  private static final int PROBE_TIMEOUT_MS = 5_000;

  /** More than the path of a folder takes. */
  private static final int MAX_ANSWER = 8 << 10;

  private final Process supervisor;
  private final Path temporary;
  private final int port;
  private boolean open = true;

  private RedisServer(Process supervisor, Path temporary, int port) {
    this.supervisor = supervisor;
    this.temporary = temporary;
    this.port = port;
  }

  /**
   * @param temporary an existing directory for the binary and the log; it is deleted when Redis
   *     ends
   * @param port 0 for any free one
   */
  static RedisServer start(Path temporary, int port) throws IOException {
    Path home = Files.createDirectories(temporary.resolve("redis"));
    Path binary = binary(home);
    if (port != 0) {
      Loopback.requireFree("Redis", port);
      return start(temporary, home, binary, port);
    }
    // Redis cannot pick a free port itself, and the one picked here can be taken before it binds.
    for (int attempt = 1; ; attempt++) {
      int free = Loopback.freePort();
      try {
        return start(temporary, home, binary, free);
      } catch (PortTakenException e) {
        if (attempt == PORT_ATTEMPTS) {
          throw e;
        }
      }
    }
  }

  private static RedisServer start(Path temporary, Path home, Path binary, int port)
      throws IOException {
    Path log = home.resolve("redis.log");
    List<String> command =
        List.of(
            "/bin/sh",
            supervisor(home).toString(),
            temporary.toString(),
            binary.toString(),
            "--bind",
            Loopback.HOST,
            "--port",
            Integer.toString(port),
            "--dir",
            home.toString(),
            "--save",
            "",
            "--appendonly",
            "no",
            "--daemonize",
            "no");
    Process supervisor =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.to(log.toFile())).start();
    CompletableFuture<String> exit = new CompletableFuture<>();
    Thread.ofPlatform().daemon().name("redis-supervisor").start(() -> awaitExit(supervisor, exit));
    try {
      awaitAnswer(port, home, exit, log);
      return new RedisServer(supervisor, temporary, port);
    } catch (PortTakenException e) {
      say(supervisor, "keep"); // the directory, for the next attempt
      stop(supervisor);
      throw e;
    } catch (IOException | RuntimeException e) {
      stop(supervisor);
      throw e;
    }
  }

  /** The supervisor's only word is the exit status of a Redis that ended by itself. */
  private static void awaitExit(Process supervisor, CompletableFuture<String> exit) {
    try (BufferedReader reader = supervisor.inputReader(StandardCharsets.UTF_8)) {
      String line = reader.readLine();
      exit.complete(line == null ? "supervisor ended" : line);
    } catch (IOException e) {
      exit.complete("supervisor unreadable: " + e.getMessage());
    }
  }

  private static void awaitAnswer(int port, Path home, CompletableFuture<String> exit, Path log)
      throws IOException {
    long deadline = System.nanoTime() + START_TIMEOUT.toNanos();
    while (!answers(port, home)) {
      if (exit.isDone()) {
        String said = Files.readString(log, StandardCharsets.UTF_8).strip();
        if (said.contains("Address already in use")) {
          throw new PortTakenException(port);
        }
        throw new IOException("Redis ended while starting (" + exit.join() + "): " + said);
      }
      if (System.nanoTime() - deadline > 0) {
        throw new IOException("Redis did not answer on port " + port + " within " + START_TIMEOUT);
      }
      pause();
    }
  }

  /**
   * Whether the Redis of this home answers, and not another one that was faster to take the port.
   */
  private static boolean answers(int port, Path home) {
    try (Socket socket = new Socket()) {
      socket.connect(Loopback.address(port), PROBE_TIMEOUT_MS);
      socket.setSoTimeout(PROBE_TIMEOUT_MS);
      socket
          .getOutputStream()
          .write("CONFIG GET dir\r\nQUIT\r\n".getBytes(StandardCharsets.US_ASCII));
      String answer =
          new String(socket.getInputStream().readNBytes(MAX_ANSWER), StandardCharsets.UTF_8);
      return answer.contains("\r\n" + home.toRealPath() + "\r\n");
    } catch (IOException e) {
      return false; // not listening yet
    }
  }

  private static void pause() throws IOException {
    try {
      Thread.sleep(10);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while Redis was starting", e);
    }
  }

  /** The binary for this machine, unpacked into {@code home}, or the one on {@code PATH}. */
  private static Path binary(Path home) throws IOException {
    OsArchitecture machine = OsArchitecture.detectOSandArchitecture();
    String resource = ExecutableProvider.newProvidedVersionsMap().get(machine);
    if (resource == null) {
      return onPath()
          .orElseThrow(
              () ->
                  new IOException(
                      "no Redis for %s %s is included and no redis-server is on PATH"
                          .formatted(machine.os, machine.arch)));
    }
    Path binary = home.resolve("redis-server");
    try (InputStream in = ExecutableProvider.class.getResourceAsStream(resource)) {
      if (in == null) {
        throw new IOException("resource " + resource + " is missing");
      }
      Files.copy(in, binary);
    }
    if (!binary.toFile().setExecutable(true)) {
      throw new IOException(binary + " cannot be made executable");
    }
    return binary;
  }

  private static Optional<Path> onPath() {
    String path = Optional.ofNullable(System.getenv("PATH")).orElse("");
    return Stream.of(path.split(File.pathSeparator))
        .filter(folder -> !folder.isEmpty())
        .map(folder -> Path.of(folder, "redis-server"))
        .filter(Files::isExecutable)
        .findFirst();
  }

  private static Path supervisor(Path home) throws IOException {
    Path script = home.resolve(SUPERVISOR);
    try (InputStream in = RedisServer.class.getResourceAsStream(SUPERVISOR)) {
      if (in == null) {
        throw new IOException("resource " + SUPERVISOR + " is missing");
      }
      Files.copy(in, script, StandardCopyOption.REPLACE_EXISTING);
    }
    return script;
  }

  int port() {
    return port;
  }

  private static void say(Process supervisor, String line) throws IOException {
    supervisor.getOutputStream().write((line + "\n").getBytes(StandardCharsets.UTF_8));
    supervisor.getOutputStream().flush();
  }

  @Override
  public void close() throws IOException {
    if (!open) {
      return;
    }
    open = false;
    stop(supervisor);
    FileTree.delete(temporary);
  }

  private static void stop(Process supervisor) throws IOException {
    supervisor.getOutputStream().close();
    try {
      if (!supervisor.waitFor(STOP_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS)) {
        supervisor.descendants().forEach(ProcessHandle::destroyForcibly);
        supervisor.destroyForcibly();
        throw new IOException("Redis did not end within " + STOP_TIMEOUT + " and was killed");
      }
    } catch (InterruptedException e) {
      supervisor.descendants().forEach(ProcessHandle::destroyForcibly);
      supervisor.destroyForcibly();
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while Redis was ending; it was killed", e);
    }
  }

  /** Another process holds the port. */
  private static final class PortTakenException extends IOException {
    PortTakenException(int port) {
      super(
          "Redis cannot listen on " + Loopback.HOST + ":" + port + ": port " + port + " is in use");
    }
  }
}
