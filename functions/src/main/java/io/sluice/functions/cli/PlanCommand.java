package io.sluice.functions.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.manifest.ManifestRepository;
import io.sluice.manifest.ModelManifest;
import io.sluice.model.ErrorKind;
import io.sluice.model.ModelRef;
import io.sluice.model.ShardDescriptor;
import io.sluice.model.SluiceException;
import io.sluice.plan.LoadEstimate;
import io.sluice.plan.LoadEstimator;
import io.sluice.plan.LoadPrices;
import io.sluice.plan.LoadScenario;
import io.sluice.plan.PlanOptions;
import jakarta.inject.Inject;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code plan}: what a load would take and cost, of sizes that need not fit here. */
@Command(
    name = "plan",
    description = {
      "Predicts the time and the cost of a load by functions from the placement that it would get."
          + " Moves nothing."
    })
final class PlanCommand extends SluiceCommand {
  private static final int MAX_SHARDS = ModelManifest.MAX_SHARDS;
  private static final int MAX_WORKERS = 100_000;

  @Option(names = "--model", paramLabel = "MODEL", description = "A model of the store; or --size.")
  ModelRef model;

  @Option(
      names = "--size",
      paramLabel = "SIZE",
      description = "Bytes of a model that need not exist, such as 140GB.")
  ByteSize size;

  @Option(
      names = "--shard",
      paramLabel = "SIZE",
      description = "With --size: bytes of a shard (default: 64MiB).")
  ByteSize shard;

  @Option(
      names = "--chunk",
      paramLabel = "SIZE",
      description = "With --size: bytes of a chunk (default: 8MiB).")
  ByteSize chunk;

  @Option(
      names = "--workers",
      paramLabel = "N",
      required = true,
      description = "Functions that take part.")
  int workers;

  @Option(
      names = "--bandwidth",
      paramLabel = "RATE",
      defaultValue = "75MB/s",
      description = "Network of each function (default: ${DEFAULT-VALUE}, as on AWS Lambda).")
  ByteRate bandwidth;

  @Option(
      names = "--memory",
      paramLabel = "SIZE",
      description = "Memory of each function for shards (default: what its part needs).")
  ByteSize memory;

  @Option(
      names = "--overhead",
      paramLabel = "SIZE",
      defaultValue = "256MiB",
      description = "Memory of each function besides, billed too (default: ${DEFAULT-VALUE}).")
  ByteSize overhead;

  @Option(
      names = "--replicas",
      paramLabel = "R",
      defaultValue = "1",
      description = "Load the model so many times: L = R x S (default: ${DEFAULT-VALUE}).")
  int replicas;

  @Option(
      names = "--connections",
      paramLabel = "N",
      defaultValue = "16",
      description = "Requests in flight of each function (default: ${DEFAULT-VALUE}).")
  int connections;

  @Option(
      names = "--latency",
      paramLabel = "SECONDS",
      defaultValue = "0.1",
      description = "From a request to its first byte (default: ${DEFAULT-VALUE}).")
  double latency;

  @Option(
      names = "--ramp",
      paramLabel = "SECONDS",
      defaultValue = "0",
      description = "Until all functions run: cold starts (default: ${DEFAULT-VALUE}).")
  double ramp;

  @Option(
      names = "--store-bandwidth",
      paramLabel = "RATE",
      description = "What the store gives to all together (default: no bound).")
  ByteRate storeBandwidth;

  @Option(
      names = "--store-requests",
      paramLabel = "N",
      defaultValue = "5500",
      description =
          "Reads a second of all together (default: ${DEFAULT-VALUE}, of one prefix in S3).")
  double storeRequests;

  @Option(
      names = "--price",
      paramLabel = "NAME=DOLLARS",
      description = {
        "Another price than AWS' of " + LoadPrices.YEAR + " in us-east-1:",
        "gb-second, invocation, get, put, gb-month."
      })
  Map<String, Double> prices = Map.of();

  @Inject StoreSide store;

  @Override
  Needs needs() {
    if ((model == null) == (size == null)) {
      throw invalid("give either --model or --size");
    }
    if (model != null && (shard != null || chunk != null)) {
      throw invalid("--shard and --chunk go with --size: a stored model has its own");
    }
    if (workers < 1 || workers > MAX_WORKERS) {
      throw invalid("--workers is 1 to " + MAX_WORKERS + ", got " + workers);
    }
    return model != null ? Needs.STORE : Needs.NOTHING;
  }

  private static SluiceException invalid(String message) {
    return new SluiceException(ErrorKind.INVALID, "plan-invalid", message);
  }

  @Override
  public Integer call() {
    List<Long> shards;
    long chunkBytes;
    if (model != null) {
      ManifestRepository manifests = store.manifests();
      ModelManifest manifest = manifests.load(model.name(), manifests.resolve(model).version());
      shards = manifest.shards().stream().map(ShardDescriptor::size).toList();
      chunkBytes = manifest.plan().chunkBytes();
    } else {
      shards =
          LoadScenario.shards(
              size.bytes(),
              shard != null ? shard.bytes() : PlanOptions.DEFAULT_SHARD_BYTES,
              MAX_SHARDS);
      chunkBytes = chunk != null ? chunk.bytes() : PlanOptions.DEFAULT_CHUNK_BYTES;
    }
    LoadScenario.Network network =
        new LoadScenario.Network(
            bandwidth.bytesPerSecond(),
            connections,
            latency,
            ramp,
            storeBandwidth != null ? storeBandwidth.bytesPerSecond() : Double.POSITIVE_INFINITY,
            storeRequests);
    LoadEstimate load =
        LoadEstimator.estimate(
            new LoadScenario(
                shards,
                chunkBytes,
                workers,
                replicas,
                memory != null ? memory.bytes() : Long.MAX_VALUE,
                network));
    long function =
        Math.addExact(memory != null ? memory.bytes() : load.mostBytes(), overhead.bytes());
    LoadPrices table = LoadPrices.AWS.with(prices);
    LoadPrices.Cost cost = table.of(load, function);
    print(json(load, function, table, cost), out -> text(out, load, function, cost));
    return 0;
  }

  private ObjectNode json(
      LoadEstimate load, long function, LoadPrices table, LoadPrices.Cost cost) {
    ObjectNode json =
        JsonNodeFactory.instance
            .objectNode()
            .put("S", load.totalBytes())
            .put("L", load.loadedBytes())
            .put("shards", load.shards())
            .put("workers", load.workers())
            .put("mostBytes", load.mostBytes())
            .put("leastBytes", load.leastBytes())
            .put("requests", load.requests())
            .put("seconds", load.seconds())
            .put("gigabytesPerSecond", load.bytesPerSecond() / 1e9)
            .put("limit", limit(load))
            .put("functionBytes", function);
    json.putObject("dollars")
        .put("load", cost.load())
        .put("compute", cost.compute())
        .put("invocations", cost.invocations())
        .put("gets", cost.gets())
        .put("puts", cost.puts())
        .put("storageMonth", cost.storageMonth());
    ObjectNode used = json.putObject("prices").put("of", "AWS us-east-1, " + LoadPrices.YEAR);
    table.byName().forEach(used::put);
    return json;
  }

  private void text(PrintWriter out, LoadEstimate load, long function, LoadPrices.Cost cost) {
    out.printf(
        "S = %s in %d shards, L = %s, on %d of %d workers%n",
        ByteSize.format(load.totalBytes()),
        load.shards(),
        ByteSize.format(load.loadedBytes()),
        load.workers(),
        workers);
    out.printf(
        "each loads %s to %s, a function has %s%n",
        ByteSize.format(load.leastBytes()),
        ByteSize.format(load.mostBytes()),
        ByteSize.format(function));
    out.printf(
        Locale.ROOT,
        "%.2f s, %s, by %d requests; bound by %s%n",
        load.seconds(),
        ByteSize.rate(load.loadedBytes(), load.seconds()),
        load.requests(),
        limit(load));
    out.printf(
        Locale.ROOT,
        "$%.6f a load: compute $%.6f, invocations $%.6f, reads $%.6f%n",
        cost.load(),
        cost.compute(),
        cost.invocations(),
        cost.gets());
    out.printf(
        Locale.ROOT,
        "besides: upload $%.6f once, storage $%.4f a month; prices of AWS in us-east-1, %s%s%n",
        cost.puts(),
        cost.storageMonth(),
        LoadPrices.YEAR,
        prices.isEmpty() ? "" : ", but for " + String.join(", ", prices.keySet()));
  }

  private static String limit(LoadEstimate load) {
    return load.limit().name().toLowerCase(Locale.ROOT).replace('_', ' ');
  }
}
