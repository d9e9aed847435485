package io.sluice.cache.memcached;

import io.sluice.cache.CacheException;
import java.time.Duration;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

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
    List<Address> servers,
    Duration connectTimeout,
    Duration timeout,
    Duration ttl,
    int connections) {
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

  /** A server. */
  public record Address(String host, int port) {
    private static final Pattern TEXT =
        Pattern.compile("(?:\\[([0-9a-fA-F:.]+)]|([^\\s:\\[\\]]+))(?::([0-9]{1,5}))?");
    private static final int DEFAULT_PORT = 11211;

    /** Reads {@code host} or {@code host:port}; an IPv6 address stands in brackets. */
    public static Address parse(String text) {
      Matcher found = TEXT.matcher(text.strip());
      int port = -1;
      if (found.matches()) {
        port = found.group(3) == null ? DEFAULT_PORT : Integer.parseInt(found.group(3));
      }
      if (port < 1 || port > 65_535) {
        throw CacheException.invalid(
            "a Memcached server is host:port with a port of 1 to 65535, got '" + text + "'", null);
      }
      return new Address(found.group(1) != null ? found.group(1) : found.group(2), port);
    }

    @Override
    public String toString() {
      return (host.indexOf(':') < 0 ? host : "[" + host + "]") + ":" + port;
    }
  }
}
