package io.sluice.plan;

import io.sluice.model.InvalidValueException;
import java.util.List;

/**
 * A load that is to be predicted.
 *
 * @param shardBytes sᵢ, the bytes of each shard; S is their sum
 * @param chunkBytes bytes of a chunk, which one request reads
 * @param workers how many functions take part
 * @param replicas how many times the model is loaded, each by an equal part of the workers: L =
 *     replicas × S
 * @param memoryBytes what a worker has for shards
 * @param network what requests meet
 */
public record LoadScenario(
    List<Long> shardBytes,
    long chunkBytes,
    int workers,
    int replicas,
    long memoryBytes,
    Network network) {

  /**
   * What requests meet on their way.
   *
   * @param bandwidth bytes a second of one worker
   * @param parallelism requests in flight of one worker
   * @param latencySeconds from a request to the first byte of its answer
   * @param rampSeconds until all workers run
   * @param storeBandwidth bytes a second of the whole store; infinite if it has no bound
   * @param storeRequestRate requests a second of the whole store; infinite if it has no bound
   */
  public record Network(
      double bandwidth,
      int parallelism,
      double latencySeconds,
      double rampSeconds,
      double storeBandwidth,
      double storeRequestRate) {
    public Network {
      positive("the bandwidth of a worker", bandwidth);
      positive("the requests in flight", parallelism);
      positive("the bandwidth of the store", storeBandwidth);
      positive("the request rate of the store", storeRequestRate);
      if (!(latencySeconds >= 0) || !(rampSeconds >= 0)) {
        throw invalid(
            "latency and ramp are at least 0 s, got " + latencySeconds + " and " + rampSeconds);
      }
    }
  }

  public LoadScenario {
    shardBytes = List.copyOf(shardBytes);
    for (long bytes : shardBytes) {
      positive("the bytes of a shard", bytes);
    }
    positive("the bytes of a chunk", chunkBytes);
    positive("the number of workers", workers);
    positive("the number of replicas", replicas);
    positive("the memory of a worker", memoryBytes);
    if (replicas > workers) {
      throw invalid(replicas + " replicas need at least as many workers, there are " + workers);
    }
  }

  /**
   * Shards of a model of so many bytes, all of the same size but the last.
   *
   * @throws InvalidValueException if they would be more than {@code maxShards}
   */
  public static List<Long> shards(long totalBytes, long shardBytes, int maxShards) {
    positive("the bytes of a model", totalBytes);
    positive("the bytes of a shard", shardBytes);
    long count = Math.ceilDiv(totalBytes, shardBytes);
    if (count > maxShards) {
      throw invalid(
          "a model has at most "
              + maxShards
              + " shards, "
              + totalBytes
              + " bytes in shards of "
              + shardBytes
              + " are "
              + count);
    }
    Long[] shards = new Long[(int) count];
    for (int i = 0; i < count; i++) {
      shards[i] = Math.min(shardBytes, totalBytes - i * shardBytes);
    }
    return List.of(shards);
  }

  private static void positive(String what, double value) {
    if (!(value > 0)) {
      throw invalid(what + " must be more than 0, got " + value);
    }
  }

  private static InvalidValueException invalid(String message) {
    return new InvalidValueException("scenario-invalid", message);
  }
}
