package io.sluice.cache.memcached;

import io.sluice.cache.CacheException;
import io.sluice.model.HostPort;
import java.time.Duration;
import java.util.List;

/**
 * Where Memcached is and how patient to be with it.
 *
 * @param servers in any order; all workers name them alike
 * @param connectTimeout how long connecting may take
 * @param timeout how long getting or putting one chunk may take
 * @param ttl how long a chunk stays after it was put, 1 s to 30 days
 * @param connections most connections to one server
 */
public record MemcachedSettings(
    List<HostPort> servers,
    Duration connectTimeout,
    Duration timeout,
    Duration ttl,
    int connections) {
  private static final int DEFAULT_PORT = 11211;

  /** Longer times are points in time to Memcached. */
  private static final Duration MAX_TTL = Duration.ofDays(30);

  public MemcachedSettings {
    servers = List.copyOf(servers);
    if (ttl.toSeconds() < 1 || ttl.compareTo(MAX_TTL) > 0) {
      throw CacheException.invalid(
          "the time to live of chunks in Memcached is 1 s to 30 days, got " + ttl, null);
    }
    if (connections < 1) {
      throw CacheException.invalid(
          "Memcached needs at least 1 connection, got " + connections, null);
    }
  }

  /** Reads a server: {@code host} or {@code host:port}. */
  public static HostPort server(String text) {
    return HostPort.parse(text, DEFAULT_PORT)
        .orElseThrow(
            () ->
                CacheException.invalid(
                    "a Memcached server is host:port with a port of 1 to 65535, got '" + text + "'",
                    null));
  }
}
