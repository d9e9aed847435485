package io.sluice.redis;

import io.sluice.model.InvalidValueException;
import java.net.URI;
import java.net.URISyntaxException;
import java.time.Duration;
import java.util.Objects;

/**
 * Where Redis (6.2 or later) is and how patient to be with it.
 *
 * <p>A command takes one connection of the pool for one round trip, well under a millisecond next
 * to Redis, so a few connections serve hundreds of threads: 8 is enough for a worker. More callers
 * than that wait for a connection, within the same timeout. A subscription has a connection of its
 * own beside the pool.
 *
 * @param uri {@code redis://[user:password@]host[:port][/database]}, {@code rediss://} for TLS, or
 *     {@code unix://}
 * @param timeout how long a call may take, connecting included; 10 ms to 10 min
 * @param poolSize largest number of connections for commands, 1 to 256
 */
public record RedisConfig(String uri, Duration timeout, int poolSize) {
  private static final Duration MIN_TIMEOUT = Duration.ofMillis(10);
  private static final Duration MAX_TIMEOUT = Duration.ofMinutes(10);

  public RedisConfig {
    Objects.requireNonNull(uri, "uri");
    Objects.requireNonNull(timeout, "timeout");
    if (!uri.matches("(redis|rediss|unix)://.+")) {
      throw new InvalidValueException(
          "redis-config-invalid",
          "the address of Redis starts with redis://, rediss:// or unix:// and names a host or path");
    }
    if (timeout.compareTo(MIN_TIMEOUT) < 0 || timeout.compareTo(MAX_TIMEOUT) > 0) {
      throw new InvalidValueException(
          "redis-config-invalid",
          "the timeout of Redis lies between 10 ms and 10 min, got " + timeout);
    }
    if (poolSize < 1 || poolSize > 256) {
      throw new InvalidValueException(
          "redis-config-invalid", "the Redis pool has 1 to 256 connections, got " + poolSize);
    }
  }

  /** 5 s and 8 connections. */
  public static RedisConfig of(String uri) {
    return new RedisConfig(uri, Duration.ofSeconds(5), 8);
  }

  /** The address without user and password: for messages. */
  String endpoint() {
    try {
      URI parsed = new URI(uri);
      if (parsed.getHost() == null) {
        return parsed.getScheme() + "://" + (parsed.getPath() == null ? "" : parsed.getPath());
      }
      return parsed.getHost() + (parsed.getPort() < 0 ? "" : ":" + parsed.getPort());
    } catch (URISyntaxException e) {
      return "the configured address";
    }
  }

  /** Never shows the password. */
  @Override
  public String toString() {
    return "RedisConfig[" + endpoint() + ", timeout " + timeout + ", pool " + poolSize + "]";
  }
}
