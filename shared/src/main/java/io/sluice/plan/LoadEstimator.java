package io.sluice.plan;

import io.sluice.model.Digest;
import io.sluice.plan.LoadEstimate.Limit;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;
import java.util.Set;

/**
 * Predicts the time of a load from the placement that it would get: a pure function.
 *
 * <pre>
 * seconds = ramp + latency + max(most bytes of a worker / rate, L / store bandwidth,
 *                                requests / store request rate)
 * rate    = min(bandwidth, requests in flight × chunk / (latency + chunk / bandwidth))
 * </pre>
 *
 * <p>The second term of the rate is what a window of requests keeps on its way (Little's law); with
 * enough requests in flight the latency is paid once.
 */
public final class LoadEstimator {
  private LoadEstimator() {}

  /**
   * Predicts a load.
   *
   * @throws PlacementException of kind CAPACITY if it does not fit the memory of the workers
   */
  public static LoadEstimate estimate(LoadScenario scenario) {
    List<ShardNeed> needs = new ArrayList<>();
    long total = 0;
    long chunks = 0;
    for (int i = 0; i < scenario.shardBytes().size(); i++) {
      long bytes = scenario.shardBytes().get(i);
      needs.add(new ShardNeed(i, digest(i), bytes));
      total = Math.addExact(total, bytes);
      chunks += Math.ceilDiv(bytes, scenario.chunkBytes());
    }
    int replicas = scenario.replicas();
    // The smallest part of the workers is the slowest; all others are done by then.
    Placement placement =
        PlacementPlanner.place(
            needs, workers(scenario.workers() / replicas, scenario), OptionalInt.empty());
    long most = 0;
    long least = Long.MAX_VALUE;
    for (List<Integer> shards : placement.shardsByWorker().values()) {
      long bytes = shards.stream().mapToLong(scenario.shardBytes()::get).sum();
      most = Math.max(most, bytes);
      least = Math.min(least, bytes);
    }
    long loaded = Math.multiplyExact(total, (long) replicas);
    long requests = Math.multiplyExact(chunks, (long) replicas);
    Time time = time(scenario, most, loaded, requests);
    LoadScenario.Network network = scenario.network();
    return new LoadEstimate(
        total,
        needs.size(),
        loaded,
        placement.nodes() * replicas,
        most,
        needs.isEmpty() ? 0 : least,
        requests,
        network.rampSeconds() + network.latencySeconds() + time.seconds(),
        time.limit());
  }

  private record Time(double seconds, Limit limit) {
    Time orLonger(double others, Limit theirs) {
      return others > seconds ? new Time(others, theirs) : this;
    }
  }

  private static Time time(LoadScenario scenario, long most, long loaded, long requests) {
    LoadScenario.Network network = scenario.network();
    double chunk = scenario.chunkBytes();
    double window =
        network.parallelism() * chunk / (network.latencySeconds() + chunk / network.bandwidth());
    return new Time(most / network.bandwidth(), Limit.WORKER_BANDWIDTH)
        .orLonger(most / window, Limit.WORKER_REQUESTS)
        .orLonger(loaded / network.storeBandwidth(), Limit.STORE_BANDWIDTH)
        .orLonger(requests / network.storeRequestRate(), Limit.STORE_REQUESTS);
  }

  private static List<WorkerCapacity> workers(int count, LoadScenario scenario) {
    List<WorkerCapacity> workers = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      workers.add(
          new WorkerCapacity(
              String.format(Locale.ROOT, "worker-%06d", i), scenario.memoryBytes(), Set.of()));
    }
    return workers;
  }

  /** Different for each shard, and held by nobody. */
  private static Digest digest(int index) {
    return new Digest(String.format(Locale.ROOT, "%064x", index));
  }
}
