package io.sluice.acceptance;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Workers, each a process of its own, with a prefix of their own in Redis and in the bucket. */
final class Cluster implements AutoCloseable {
  private static final Pattern LISTENING =
      Pattern.compile("Listening on: http://127\\.0\\.0\\.1:([0-9]+)");

  private final Stack stack;
  private final String prefix;
  private final long memory;
  private final Map<String, String> settings;
  private final Path logs;
  private final List<Worker> workers = new ArrayList<>();
  private int started;

  /** A worker process and how to talk to it. */
  record Worker(String id, Process process, URI address, Path log, Optional<String> token) {
    Api api() {
      return new Api(address, token);
    }

    /** SIGKILL, and waits until it is dead. */
    void kill() {
      process.destroyForcibly();
      process.onExit().join();
    }

    String logText() {
      try {
        return Files.readString(log);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  private Cluster(Stack stack, String prefix, long memory, Map<String, String> settings) {
    this.stack = stack;
    this.prefix = prefix;
    this.memory = memory;
    this.settings = settings;
    this.logs = Application.logs(prefix);
  }

  /**
   * Starts workers and waits until all have registered.
   *
   * @param prefix in Redis and in the bucket
   * @param memory budget of each worker in bytes
   * @param settings further environment; {@code SLUICE_TOKEN} is the token that tests show
   */
  static Cluster start(
      Stack stack, String prefix, int count, long memory, Map<String, String> settings) {
    Cluster cluster = new Cluster(stack, prefix, memory, settings);
    stack.add(cluster);
    cluster.startWorkers(count);
    return cluster;
  }

  /** Starts further workers and waits until all have registered. */
  void startWorkers(int count) {
    Map<String, Process> processes = new LinkedHashMap<>();
    for (int i = 0; i < count; i++) {
      String id = "worker-" + ++started;
      Process process = Application.start(List.of("serve"), environment(id), log(id));
      processes.put(id, process);
    }
    List<String> ids = new ArrayList<>(processes.keySet());
    try {
      for (String id : ids) {
        URI address =
            Await.until(
                "worker " + id + " to listen", () -> listening(id, processes.get(id), log(id)));
        workers.add(
            new Worker(
                id,
                processes.get(id),
                address,
                log(id),
                Optional.ofNullable(environment().get("SLUICE_TOKEN"))));
      }
    } catch (AssertionError | RuntimeException e) {
      processes.values().forEach(Process::destroyForcibly);
      throw e;
    }
    Await.untilTrue(
        "workers " + ids + " to register", () -> api().workers().keySet().containsAll(ids));
  }

  /** Environment of a process that belongs to this cluster. */
  Map<String, String> environment() {
    Map<String, String> environment = stack.environment();
    environment.put("SLUICE_REDIS_PREFIX", "{" + prefix + "}:");
    environment.put("SLUICE_S3_PREFIX", prefix + "/");
    environment.putAll(settings);
    return environment;
  }

  /** The workers whose processes live. */
  List<Worker> workers() {
    return workers.stream().filter(worker -> worker.process().isAlive()).toList();
  }

  /** Talks to the first worker that lives. */
  Api api() {
    return workers().getFirst().api();
  }

  /** What this cluster has in the bucket. */
  Bucket bucket() {
    return new Bucket(stack.s3(), stack.endpoints().bucket(), prefix + "/");
  }

  Stack stack() {
    return stack;
  }

  /** Waits until all that is registered is all that lives. */
  void awaitOnlyLiving() {
    List<String> living = workers().stream().map(Worker::id).toList();
    Await.untilTrue(
        "only workers " + living + " to be registered",
        () -> api().workers().keySet().equals(java.util.Set.copyOf(living)),
        () -> api().workers().keySet().toString());
  }

  /** Free bytes of each worker as it last said. */
  Map<String, Long> freeBytes() {
    Map<String, Long> free = new LinkedHashMap<>();
    api().workers().forEach((id, worker) -> free.put(id, worker.get("freeBytes").longValue()));
    return free;
  }

  /** Unloads every version of every model and waits until nothing is held. */
  void unloadAll() {
    for (JsonNode model : Api.ok(api().get("/models")).get("models")) {
      for (JsonNode version : model.get("versions")) {
        api().unload(model.get("name").textValue() + "@" + version.get("version").textValue());
      }
    }
    awaitEmpty();
  }

  /** Waits until every worker has said that its whole budget is free. */
  void awaitEmpty() {
    Await.untilTrue(
        "all workers to be empty",
        () ->
            api().workers().values().stream()
                .allMatch(
                    worker ->
                        worker.get("freeBytes").longValue() == worker.get("budgetBytes").longValue()
                            && worker.get("shards").intValue() == 0),
        () -> api().workers().values().toString());
  }

  /** Sum of a counter or timer over all workers, by a prefix of its line in the metrics. */
  double metric(String line) {
    double sum = 0;
    for (Worker worker : workers()) {
      sum += worker.api().metric(line);
    }
    return sum;
  }

  @Override
  public void close() {
    workers.forEach(worker -> worker.process().destroy());
    for (Worker worker : workers) {
      try {
        if (!worker.process().waitFor(60, TimeUnit.SECONDS)) {
          worker.process().destroyForcibly();
        }
      } catch (InterruptedException e) {
        worker.process().destroyForcibly();
        Thread.currentThread().interrupt();
      }
    }
  }

  private Map<String, String> environment(String id) {
    Map<String, String> environment = environment();
    environment.put("QUARKUS_HTTP_HOST", "127.0.0.1");
    environment.put("QUARKUS_HTTP_PORT", "0");
    environment.put("SLUICE_WORKER_ID", id);
    environment.put("SLUICE_WORKER_MEMORY", Long.toString(memory));
    environment.put("SLUICE_WORKER_EXIT_WITH_STDIN", "true");
    return environment;
  }

  private Path log(String id) {
    return logs.resolve(id + ".log");
  }

  private static Optional<URI> listening(String id, Process process, Path log) {
    try {
      String text = Files.exists(log) ? Files.readString(log) : "";
      if (!process.isAlive()) {
        throw new AssertionError("worker " + id + " ended at its start:\n" + text);
      }
      Matcher found = LISTENING.matcher(text);
      return found.find()
          ? Optional.of(URI.create("http://127.0.0.1:" + found.group(1)))
          : Optional.empty();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
