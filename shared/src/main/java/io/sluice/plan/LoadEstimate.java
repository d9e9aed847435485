package io.sluice.plan;

/**
 * What a load would take.
 *
 * @param totalBytes S
 * @param shards N, the shards of one replica
 * @param loadedBytes L = replicas × S
 * @param workers P, those that take shards
 * @param mostBytes what the worker with the most loads
 * @param leastBytes what the worker with the least loads
 * @param requests GETs of chunks, by all workers
 * @param seconds from the start to the last byte
 * @param limit what the time is made of
 */
public record LoadEstimate(
    long totalBytes,
    int shards,
    long loadedBytes,
    int workers,
    long mostBytes,
    long leastBytes,
    long requests,
    double seconds,
    Limit limit) {

  /** What bounds a load. */
  public enum Limit {
    /** The network of a worker. */
    WORKER_BANDWIDTH,
    /** Too few requests in flight for the latency. */
    WORKER_REQUESTS,
    /** The store as a whole, by bytes. */
    STORE_BANDWIDTH,
    /** The store as a whole, by requests. */
    STORE_REQUESTS
  }

  /** Bytes a second of all workers together. */
  public double bytesPerSecond() {
    return loadedBytes / seconds;
  }
}
