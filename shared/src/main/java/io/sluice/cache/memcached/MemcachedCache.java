package io.sluice.cache.memcached;

import io.sluice.cache.CacheException;
import io.sluice.cache.ChunkCache;
import io.sluice.cache.ChunkKey;
import io.sluice.model.HostPort;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;

/**
 * Hot chunks on Memcached servers. All pieces of a chunk lie on one server, chosen by consistent
 * hashing, so that chunks spread evenly and a server that is added or taken away moves only its
 * share. A server that does not answer is left alone for a while; its chunks are misses.
 */
public final class MemcachedCache implements ChunkCache {
  private final List<MemcachedServer> servers = new ArrayList<>();
  private final Ketama ring;
  private final Deadlines deadlines = new Deadlines();

  /** Connects on first use. */
  public MemcachedCache(MemcachedSettings settings) {
    List<String> names = new ArrayList<>();
    for (HostPort address : settings.servers()) {
      names.add(address.toString());
      servers.add(new MemcachedServer(address, settings, deadlines));
    }
    if (names.isEmpty() || new HashSet<>(names).size() < names.size()) {
      throw CacheException.invalid(
          "Memcached needs at least one server and each of them once, got " + names, null);
    }
    ring = new Ketama(names);
  }

  @Override
  public String name() {
    return "memcached";
  }

  @Override
  public boolean shared() {
    return true;
  }

  @Override
  public boolean guardsItself() {
    return true;
  }

  @Override
  public boolean get(ChunkKey key, MemorySegment target) {
    return server(key).get(key, target);
  }

  @Override
  public boolean put(ChunkKey key, MemorySegment bytes) {
    return server(key).put(key, bytes);
  }

  @Override
  public void remove(ChunkKey key) {
    server(key).remove(key);
  }

  private MemcachedServer server(ChunkKey key) {
    return servers.get(ring.serverOf(key.text()));
  }

  @Override
  public void close() {
    servers.forEach(MemcachedServer::close);
    deadlines.close();
  }
}
