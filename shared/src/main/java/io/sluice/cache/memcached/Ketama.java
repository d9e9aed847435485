package io.sluice.cache.memcached;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;

/**
 * Consistent hashing as libketama does it: 160 points a server on a ring of 32 bits, from MD5. A
 * server that comes or goes moves only the keys that are its own.
 */
final class Ketama {
  private static final int HASHES = 40;
  private static final int POINTS = 4;

  private final NavigableMap<Long, Integer> ring = new TreeMap<>();

  /**
   * @param servers names that all clients know them by, {@code host:port}
   */
  Ketama(List<String> servers) {
    for (int server = 0; server < servers.size(); server++) {
      for (int hash = 0; hash < HASHES; hash++) {
        ByteBuffer md5 = md5(servers.get(server) + "-" + hash);
        for (int point = 0; point < POINTS; point++) {
          ring.put(Integer.toUnsignedLong(md5.getInt(4 * point)), server);
        }
      }
    }
  }

  /** Index of the server of a key. */
  int serverOf(String key) {
    Map.Entry<Long, Integer> next = ring.ceilingEntry(Integer.toUnsignedLong(md5(key).getInt(0)));
    return (next == null ? ring.firstEntry() : next).getValue();
  }

  private static ByteBuffer md5(String text) {
    try {
      return ByteBuffer.wrap(
              MessageDigest.getInstance("MD5").digest(text.getBytes(StandardCharsets.UTF_8)))
          .order(ByteOrder.LITTLE_ENDIAN);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has MD5", e);
    }
  }
}
