package io.sluice.functions.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.job.Worker;
import io.sluice.job.WorkerRegistry;
import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;
import jakarta.enterprise.inject.Instance;
import jakarta.inject.Inject;
import java.io.PrintWriter;
import java.net.URI;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code up}: everything on this machine, until told to end. */
@Command(
    name = "up",
    description = {
      "Starts an embedded S3 and Redis and workers, and stays until it is interrupted.",
      "Commands with --local use it."
    })
final class UpCommand extends SluiceCommand {
  @Option(
      names = "--workers",
      paramLabel = "N",
      defaultValue = "4",
      description = "Number of workers (default: ${DEFAULT-VALUE}).")
  int workers;

  @Option(
      names = "--memory",
      paramLabel = "SIZE",
      defaultValue = "1GiB",
      description = "Memory of each worker for shards (default: ${DEFAULT-VALUE}).")
  ByteSize memory;

  @Option(
      names = "--data",
      paramLabel = "DIR",
      description = "Where the store keeps its objects (default: ~/.sluice/data).")
  Path data;

  @Option(
      names = "--port",
      paramLabel = "PORT",
      defaultValue = "8080",
      description =
          "Port of the first worker, the others follow; 0 for any (default: ${DEFAULT-VALUE}).")
  int port;

  @Inject Instance<WorkerRegistry> registry;

  @Override
  Needs needs() {
    LocalCluster.check(workers, port);
    RunningStack.find()
        .ifPresent(
            running -> {
              throw new SluiceException(
                  ErrorKind.CONFLICT,
                  "already-up",
                  "'sluice up' runs already, as process " + running.pid());
            });
    return Needs.STACK;
  }

  @Override
  Optional<Path> data() {
    return Optional.of(data != null ? data : RunningStack.home().resolve("data"));
  }

  @Override
  public Integer call() throws InterruptedException {
    LocalStack stack = LocalStack.current().orElseThrow();
    try (LocalCluster cluster =
        LocalCluster.start(stack, registry.get(), workers, memory.bytes(), port)) {
      URI endpoint = cluster.endpoint();
      new RunningStack(ProcessHandle.current().pid(), endpoint, stack.settings()).write();
      try {
        ObjectNode json = json(stack, cluster, endpoint);
        print(json, out -> text(json, out));
        cluster.stay(stack, err());
        return 0;
      } catch (InterruptedException e) {
        return Failures.INTERRUPTED; // as it should be: nothing to report
      } finally {
        RunningStack.remove();
      }
    }
  }

  private static ObjectNode json(LocalStack stack, LocalCluster cluster, URI endpoint) {
    ObjectNode json =
        JsonNodeFactory.instance
            .objectNode()
            .put("endpoint", endpoint.toString())
            .put("s3", stack.settings().get("quarkus.s3.endpoint-override"))
            .put("redis", stack.settings().get("quarkus.redis.hosts"));
    ArrayNode list = json.putArray("workers");
    for (Worker worker : cluster.workers()) {
      list.addObject()
          .put("id", worker.id())
          .put("address", worker.address())
          .put("budgetBytes", worker.budgetBytes());
    }
    return json;
  }

  private static void text(ObjectNode json, PrintWriter out) {
    Table table = new Table("WORKER", "ADDRESS", "MEMORY");
    for (var worker : json.get("workers")) {
      table.row(
          worker.get("id").asText(),
          worker.get("address").asText(),
          ByteSize.format(worker.get("budgetBytes").asLong()));
    }
    table.print(out);
    out.printf("S3 at %s, Redis at %s%n", json.get("s3").asText(), json.get("redis").asText());
    out.println("Open to everybody on this machine: no tokens are asked for.");
    out.printf(
        "Up. Use it with --local or --endpoint %s; Ctrl-C ends it.%n",
        json.get("endpoint").asText());
  }
}
