package io.sluice.launcher;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * The embedded S3 and Redis in a process of their own.
 *
 * <p>The child lives as long as its standard input is open: it ends when this object is closed, and
 * also when this process dies in whatever way. It ignores the interrupt of a terminal, so that on
 * Ctrl-C it outlives whoever still needs it for a clean end.
 */
public final class EmbeddedProcess implements AutoCloseable {
  private static final int LAST_LINES = 40;
  private static final Duration GRACE = Duration.ofSeconds(10);

  /** Runs its arguments with SIGINT ignored, keeping the process id. */
  private static final List<String> IGNORING_INTERRUPT =
      List.of("/bin/sh", "-c", "trap '' INT; exec \"$@\"", "sluice-embedded");

  private final Process process;
  private final Tail stderr;
  private final EmbeddedEndpoints endpoints;

  private EmbeddedProcess(Process process, Tail stderr, EmbeddedEndpoints endpoints) {
    this.process = process;
    this.stderr = stderr;
    this.endpoints = endpoints;
  }

  /**
   * Starts the program of an embedded home on free ports and waits until both servers are ready.
   *
   * @param dataDir where the S3 objects are kept; empty for a temporary directory
   * @throws IOException as {@link #start(Launch)}
   */
  public static EmbeddedProcess start(Path embeddedHome, Optional<Path> dataDir)
      throws IOException {
    Launch launch = Launch.ofHome(embeddedHome);
    return start(dataDir.map(launch::withData).orElse(launch));
  }

  /**
   * Starts the program and waits until both servers are ready.
   *
   * @throws IOException if there is no Java 25, the program ends before it is ready or is not ready
   *     in time; the message holds the last lines of its standard error
   */
  public static EmbeddedProcess start(Launch launch) throws IOException {
    return start(launch.command(new JavaFinder().find()), launch.startTimeout());
  }

  static EmbeddedProcess start(List<String> command, Duration timeout) throws IOException {
    List<String> wrapped = new ArrayList<>(IGNORING_INTERRUPT);
    wrapped.addAll(command);
    Process process = new ProcessBuilder(wrapped).start();
    Tail stderr = new Tail(process.getErrorStream());
    boolean started = false;
    try {
      EmbeddedProcess embedded =
          new EmbeddedProcess(process, stderr, awaitEndpoints(process, stderr, timeout));
      started = true;
      return embedded;
    } finally {
      if (!started) {
        stop(process);
      }
    }
  }

  private static EmbeddedEndpoints awaitEndpoints(Process process, Tail stderr, Duration timeout)
      throws IOException {
    CompletableFuture<Optional<EmbeddedEndpoints>> ready = new CompletableFuture<>();
    Thread.ofPlatform()
        .daemon()
        .name("sluice-embedded-stdout")
        .start(() -> readEndpoints(process.getInputStream(), ready));
    try {
      Optional<EmbeddedEndpoints> endpoints = ready.get(timeout.toMillis(), TimeUnit.MILLISECONDS);
      if (endpoints.isPresent()) {
        return endpoints.get();
      }
      String status =
          process.waitFor(GRACE.toMillis(), TimeUnit.MILLISECONDS)
              ? "exit code " + process.exitValue()
              : "standard output closed";
      stderr.await();
      throw new IOException(
          "the embedded S3 and Redis ended before they were ready (" + status + ")" + stderr);
    } catch (TimeoutException e) {
      throw new IOException(
          "the embedded S3 and Redis were not ready within " + timeout + stderr, e);
    } catch (ExecutionException e) {
      throw new IOException("the embedded S3 and Redis spoke nonsense" + stderr, e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while the embedded S3 and Redis were starting", e);
    }
  }

  /** Completes with the endpoints, or with nothing at the end of the stream; then drains it. */
  private static void readEndpoints(
      InputStream stdout, CompletableFuture<Optional<EmbeddedEndpoints>> ready) {
    try (BufferedReader reader = reader(stdout)) {
      List<String> lines = new ArrayList<>();
      for (String line = reader.readLine(); line != null; line = reader.readLine()) {
        if (!ready.isDone()) {
          lines.add(line);
          if (line.equals(EmbeddedEndpoints.READY)) {
            ready.complete(Optional.of(EmbeddedEndpoints.fromLines(lines)));
          }
        }
      }
      ready.complete(Optional.empty());
    } catch (IOException | IllegalArgumentException e) {
      ready.completeExceptionally(e);
    }
  }

  /** Where the servers are. */
  public EmbeddedEndpoints endpoints() {
    return endpoints;
  }

  /** Whether the process still runs. */
  public boolean isAlive() {
    return process.isAlive();
  }

  /** Completes with the exit code when the process ends, for whatever reason. */
  public CompletableFuture<Integer> onExit() {
    return process.onExit().thenApply(Process::exitValue);
  }

  /** The last lines the process wrote to its standard error. */
  public List<String> lastErrorLines() {
    return stderr.lines();
  }

  /** Ends the process and waits for its end; kills it if it does not end in time. */
  @Override
  public void close() {
    stop(process);
  }

  private static void stop(Process process) {
    try {
      process.getOutputStream().close();
    } catch (IOException e) {
      // The pipe is broken because the process is gone, or goes with the signal below.
      process.destroy();
    }
    // Who is interrupted already still lets the child end by itself.
    boolean interrupted = Thread.interrupted();
    boolean ended = false;
    try {
      ended = process.waitFor(GRACE.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      interrupted = true;
    }
    if (!ended) {
      process.destroyForcibly();
      try {
        process.onExit().orTimeout(GRACE.toMillis(), TimeUnit.MILLISECONDS).join();
      } catch (CompletionException e) {
        throw new UncheckedIOException(
            new IOException("process " + process.pid() + " cannot be killed", e));
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private static BufferedReader reader(InputStream in) {
    return new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8));
  }

  /** Drains a stream and keeps its last lines. */
  private static final class Tail {
    private final Deque<String> lines = new ArrayDeque<>();
    private final Thread thread;

    Tail(InputStream in) {
      thread = Thread.ofPlatform().daemon().name("sluice-embedded-stderr").start(() -> drain(in));
    }

    private void drain(InputStream in) {
      try (BufferedReader reader = reader(in)) {
        for (String line = reader.readLine(); line != null; line = reader.readLine()) {
          add(line);
        }
      } catch (IOException e) {
        add("(standard error ended: " + e.getMessage() + ")");
      }
    }

    private synchronized void add(String line) {
      if (lines.size() == LAST_LINES) {
        lines.removeFirst();
      }
      lines.addLast(line);
    }

    synchronized List<String> lines() {
      return List.copyOf(lines);
    }

    /** Waits for the end of the stream of a process that has ended. */
    void await() throws InterruptedException {
      thread.join(GRACE);
    }

    @Override
    public String toString() {
      List<String> last = lines();
      return last.isEmpty() ? "; it wrote no errors" : ":\n  " + String.join("\n  ", last);
    }
  }
}
