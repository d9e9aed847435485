package io.sluice.functions.cli;

import io.sluice.job.Worker;
import io.sluice.job.WorkerRegistry;
import io.sluice.model.ErrorKind;
import io.sluice.model.InvalidValueException;
import io.sluice.model.SluiceException;
import java.io.IOException;
import java.io.PrintWriter;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** Workers on this machine, each a process of its own beside the {@link LocalStack}. */
final class LocalCluster implements AutoCloseable {
  private static final int MAX_WORKERS = 64;
  private static final int MAX_PORT = 65_535;
  private static final Duration START = Duration.ofSeconds(90);
  private static final Duration STOP = Duration.ofSeconds(10);

  private final List<Process> processes = new ArrayList<>();
  private final Path logs;
  private List<Worker> workers = List.of();
  private boolean closed;

  private LocalCluster(Path logs) {
    this.logs = logs;
  }

  /** Checks what a user asks for. */
  static void check(int workers, int firstPort) {
    if (workers < 1 || workers > MAX_WORKERS) {
      throw new InvalidValueException(
          "workers-invalid", "1 to " + MAX_WORKERS + " workers can be started, got " + workers);
    }
    if (firstPort < 0 || firstPort > MAX_PORT - workers) {
      throw new InvalidValueException(
          "port-invalid",
          "the first port of "
              + workers
              + " workers is 0 to "
              + (MAX_PORT - workers)
              + ", got "
              + firstPort);
    }
  }

  /**
   * Starts workers and waits until all have registered.
   *
   * @param count how many
   * @param memory budget of each in bytes
   * @param firstPort port of the first worker, the others follow; 0 for any free ones
   */
  static LocalCluster start(
      LocalStack stack, WorkerRegistry registry, int count, long memory, int firstPort)
      throws InterruptedException {
    LocalCluster cluster = new LocalCluster(Temporary.directory("sluice-workers"));
    AtExit.add(cluster::close);
    try {
      for (int i = 0; i < count; i++) {
        cluster.startWorker(stack, "worker-" + (i + 1), memory, firstPort == 0 ? 0 : firstPort + i);
      }
      cluster.await(registry, count);
      return cluster;
    } catch (InterruptedException | RuntimeException e) {
      cluster.close();
      throw e;
    }
  }

  /** The workers, by id. */
  List<Worker> workers() {
    return workers;
  }

  /** Where the first worker serves. */
  URI endpoint() {
    return URI.create(workers.getFirst().address());
  }

  /** Waits for ever, unless the stack or all workers end. */
  void stay(LocalStack stack, PrintWriter err) throws InterruptedException {
    List<CompletableFuture<?>> ends = new ArrayList<>();
    for (int i = 0; i < processes.size(); i++) {
      String id = "worker-" + (i + 1);
      ends.add(
          processes
              .get(i)
              .onExit()
              .thenAccept(
                  process -> {
                    if (!CommandGuard.interrupted()) {
                      err.println("sluice: " + id + " has ended, code " + process.exitValue());
                    }
                  }));
    }
    CompletableFuture<Void> allEnded =
        CompletableFuture.allOf(ends.toArray(CompletableFuture<?>[]::new));
    try {
      CompletableFuture.anyOf(stack.onExit(), allEnded).get();
    } catch (ExecutionException e) {
      throw new IllegalStateException(e.getCause());
    }
    throw failed(
        allEnded.isDone() ? "all workers have ended" : "the embedded S3 and Redis have ended");
  }

  /** Stops the workers and removes their logs; safe to call twice. */
  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    processes.forEach(Process::destroy);
    long deadline = System.nanoTime() + STOP.toNanos();
    boolean interrupted = false;
    for (Process process : processes) {
      try {
        long left = Math.max(0, deadline - System.nanoTime());
        if (!process.waitFor(left, TimeUnit.NANOSECONDS)) {
          process.destroyForcibly();
          process.waitFor();
        }
      } catch (InterruptedException e) {
        process.destroyForcibly();
        interrupted = true;
      }
    }
    Temporary.delete(logs);
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private synchronized void startWorker(LocalStack stack, String id, long memory, int port) {
    if (closed) {
      return;
    }
    Map<String, String> environment = new LinkedHashMap<>();
    stack
        .settings()
        .forEach((name, value) -> environment.put(CommandProcess.variable(name), value));
    environment.put("QUARKUS_HTTP_HOST", "127.0.0.1");
    environment.put("QUARKUS_HTTP_PORT", Integer.toString(port));
    environment.put("SLUICE_AUTH_MODE", "open");
    environment.put("SLUICE_WORKER_ID", id);
    environment.put("SLUICE_WORKER_MEMORY", Long.toString(memory));
    environment.put("SLUICE_WORKER_EXIT_WITH_STDIN", "true");
    processes.add(CommandProcess.start(List.of("serve"), environment, logs.resolve(id + ".log")));
  }

  private void await(WorkerRegistry registry, int count) throws InterruptedException {
    long deadline = System.nanoTime() + START.toNanos();
    while (true) {
      List<Worker> live = registry.live();
      if (live.size() >= count) {
        workers = live;
        return;
      }
      for (int i = 0; i < processes.size(); i++) {
        if (!processes.get(i).isAlive()) {
          throw failed("worker-" + (i + 1) + " ended at its start");
        }
      }
      if (System.nanoTime() > deadline) {
        throw failed(
            "only %d of %d workers registered in %d s"
                .formatted(live.size(), count, START.toSeconds()));
      }
      Thread.sleep(50);
    }
  }

  private SluiceException failed(String what) {
    StringBuilder message = new StringBuilder(what);
    try (Stream<Path> files = Files.list(logs)) {
      for (Path log : files.sorted().toList()) {
        List<String> lines = Files.readAllLines(log);
        lines
            .subList(Math.max(0, lines.size() - 10), lines.size())
            .forEach(
                line -> message.append("; ").append(log.getFileName()).append(": ").append(line));
      }
    } catch (IOException e) {
      message.append("; its log cannot be read: ").append(e.getMessage());
    }
    return new SluiceException(ErrorKind.FATAL, "local-worker-failed", message.toString());
  }
}
