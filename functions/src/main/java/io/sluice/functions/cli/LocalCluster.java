package io.sluice.functions.cli;

import io.sluice.job.Worker;
import io.sluice.job.WorkerRegistry;
import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** Workers on this machine, each a process of its own beside the {@link LocalStack}. */
final class LocalCluster implements AutoCloseable {
  private static final Duration START = Duration.ofSeconds(60);

  private final List<Process> processes = new ArrayList<>();
  private final Path logs;

  private LocalCluster(Path logs) {
    this.logs = logs;
  }

  /**
   * Starts workers and waits until all have registered.
   *
   * @param workers how many
   * @param memory budget of each in bytes
   * @param firstPort port of the first worker, the others follow; 0 for any free ones
   */
  static LocalCluster start(
      LocalStack stack, WorkerRegistry registry, int workers, long memory, int firstPort)
      throws InterruptedException {
    LocalCluster cluster = new LocalCluster(temporaryDirectory());
    Runtime.getRuntime().addShutdownHook(new Thread(cluster::close, "sluice-local-cluster"));
    try {
      for (int i = 0; i < workers; i++) {
        cluster.startWorker(stack, "worker-" + (i + 1), memory, firstPort == 0 ? 0 : firstPort + i);
      }
      cluster.await(registry, workers);
      return cluster;
    } catch (InterruptedException | RuntimeException e) {
      cluster.close();
      throw e;
    }
  }

  /** Stops the workers and removes their logs; safe to call twice. */
  @Override
  public synchronized void close() {
    for (Process process : processes) {
      process.destroy();
    }
    for (Process process : processes) {
      try {
        if (!process.waitFor(10, TimeUnit.SECONDS)) {
          process.destroyForcibly();
        }
      } catch (InterruptedException e) {
        process.destroyForcibly();
        Thread.currentThread().interrupt();
      }
    }
    processes.clear();
    deleteLogs();
  }

  private void startWorker(LocalStack stack, String id, long memory, int port) {
    Map<String, String> environment = new LinkedHashMap<>();
    stack.settings().forEach((name, value) -> environment.put(variable(name), value));
    environment.put("QUARKUS_HTTP_HOST", "127.0.0.1");
    environment.put("QUARKUS_HTTP_PORT", Integer.toString(port));
    environment.put("SLUICE_WORKER_ID", id);
    environment.put("SLUICE_WORKER_MEMORY", Long.toString(memory));
    environment.put("SLUICE_WORKER_EXIT_WITH_STDIN", "true");
    processes.add(CommandProcess.start(List.of("serve"), environment, logs.resolve(id + ".log")));
  }

  private void await(WorkerRegistry registry, int workers) throws InterruptedException {
    long deadline = System.nanoTime() + START.toNanos();
    while (true) {
      List<Worker> live = registry.live();
      if (live.size() >= workers) {
        return;
      }
      for (int i = 0; i < processes.size(); i++) {
        if (!processes.get(i).isAlive()) {
          throw failed("worker-" + (i + 1) + " ended at its start");
        }
      }
      if (System.nanoTime() > deadline) {
        throw failed(
            "only "
                + live.size()
                + " of "
                + workers
                + " workers registered in "
                + START.toSeconds()
                + " s");
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

  /** The environment variable that sets a property, by the rules of MicroProfile Config. */
  private static String variable(String property) {
    return property.replaceAll("[^A-Za-z0-9]", "_").toUpperCase(Locale.ROOT);
  }

  private static Path temporaryDirectory() {
    try {
      return Files.createTempDirectory("sluice-workers");
    } catch (IOException e) {
      throw new UncheckedIOException("cannot make a temporary directory", e);
    }
  }

  private void deleteLogs() {
    if (!Files.exists(logs)) {
      return;
    }
    try (Stream<Path> files = Files.walk(logs)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot delete " + logs, e);
    }
  }
}
