package io.sluice.cache.peer;

import io.sluice.cache.CacheException;
import io.sluice.cache.ChunkCache;
import io.sluice.cache.ChunkKey;
import io.sluice.cache.CircuitBreaker;
import io.sluice.cache.ShardHolders;
import io.sluice.cache.net.Deadlines;
import io.sluice.cache.net.Wire;
import io.sluice.cache.net.WirePool;
import io.sluice.model.ByteRange;
import io.sluice.model.Digest;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.ProtocolException;
import java.net.URI;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Reads chunks from workers that hold their shard, by {@code GET <address>/shards/<digest>} with a
 * {@code Range} (RFC 9110, section 14), straight into memory. Each chunk is asked from a holder
 * drawn at random, so that the load spreads over all of them; a holder that fails or has let go is
 * not asked for the shard again, and the next one is.
 */
public final class PeerCache implements ChunkCache {
  private static final int MAX_LINE = 8 << 10;
  private static final int MAX_HEADERS = 100;

  /** Answers of errors are small; a connection with more of it is closed instead. */
  private static final long MAX_SKIP = 64 << 10;

  private final ShardHolders holders;
  private final PeerSettings settings;
  private final Deadlines deadlines = new Deadlines();
  private final Map<URI, Peer> peers = new ConcurrentHashMap<>();

  private record Peer(WirePool wires, CircuitBreaker breaker) {}

  private enum Answer {
    GIVEN,
    NOT_THERE
  }

  /**
   * @param holders who holds what, as it was asked last
   */
  public PeerCache(ShardHolders holders, PeerSettings settings) {
    this.holders = holders;
    this.settings = settings;
  }

  @Override
  public String name() {
    return "peer";
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
  public boolean mayHave(Digest shard) {
    return !holders.of(shard).isEmpty();
  }

  @Override
  public boolean fillable() {
    return false;
  }

  @Override
  public boolean get(ChunkKey key, MemorySegment target) {
    List<URI> addresses = new ArrayList<>(holders.of(key.shard()));
    Collections.shuffle(addresses, ThreadLocalRandom.current());
    CacheException failure = null;
    for (URI address : addresses) {
      Peer peer = peers.computeIfAbsent(address, this::connect);
      if (!peer.breaker().permits()) {
        holders.lost(key.shard(), address);
        continue;
      }
      try {
        Answer answer = peer.wires().call(wire -> fetch(wire, address, key, target));
        peer.breaker().succeeded();
        if (answer == Answer.GIVEN) {
          return true;
        }
        holders.lost(key.shard(), address);
      } catch (IOException e) {
        String message = "worker at " + address + ": " + e.getMessage();
        if (Thread.currentThread().isInterrupted()) {
          peer.breaker().succeeded();
          throw CacheException.unavailable(message, e);
        }
        peer.breaker().failed();
        holders.lost(key.shard(), address);
        failure = CacheException.unavailable(message, e);
      }
    }
    if (failure != null) {
      throw failure;
    }
    return false;
  }

  private Peer connect(URI address) {
    boolean tls = "https".equals(address.getScheme());
    int port = address.getPort() >= 0 ? address.getPort() : tls ? 443 : 80;
    WirePool wires =
        new WirePool(
            address.getHost(),
            port,
            tls,
            settings.connections(),
            settings.connectTimeout(),
            settings.timeout(),
            deadlines,
            wire -> {});
    return new Peer(wires, CircuitBreaker.standard());
  }

  private static Answer fetch(Wire wire, URI address, ChunkKey key, MemorySegment target)
      throws IOException {
    ByteRange range = key.range();
    String path = address.getRawPath() == null ? "" : address.getRawPath().replaceFirst("/$", "");
    wire.write(
        "GET "
            + path
            + "/shards/"
            + key.shard()
            + " HTTP/1.1\r\nHost: "
            + address.getRawAuthority()
            + "\r\nRange: bytes="
            + range.offset()
            + "-"
            + (range.end() - 1)
            + "\r\n\r\n");
    int status = status(wire.readLine(MAX_LINE));
    long length = -1;
    boolean close = false;
    for (int i = 0; ; i++) {
      String line = wire.readLine(MAX_LINE);
      if (line.isEmpty()) {
        break;
      }
      if (i == MAX_HEADERS) {
        throw new ProtocolException("an answer has at most " + MAX_HEADERS + " headers");
      }
      String lower = line.toLowerCase(Locale.ROOT);
      if (lower.startsWith("content-length:")) {
        length = length(lower.substring("content-length:".length()).strip());
      } else if (lower.startsWith("connection:") && lower.contains("close")) {
        close = true;
      }
    }
    if (status == 206 && length == range.length()) {
      wire.readFully(target.asSlice(0, length));
      if (close) {
        wire.close();
      }
      return Answer.GIVEN;
    }
    if (length >= 0 && length <= MAX_SKIP && !close) {
      wire.skip(length);
    } else {
      wire.close();
    }
    if (status == 404 || status == 416) {
      return Answer.NOT_THERE;
    }
    throw new ProtocolException(
        "status " + status + " with " + length + " bytes for bytes " + range + " of a shard");
  }

  private static int status(String line) throws ProtocolException {
    if (!line.matches("HTTP/1\\.[01] [1-5][0-9]{2}( .*)?")) {
      throw new ProtocolException(
          "no HTTP/1.1: '" + (line.length() > 60 ? line.substring(0, 60) + "…" : line) + "'");
    }
    return Integer.parseInt(line.substring(9, 12));
  }

  private static long length(String digits) throws ProtocolException {
    if (!digits.matches("[0-9]{1,18}")) {
      throw new ProtocolException("a length of '" + digits + "'");
    }
    return Long.parseLong(digits);
  }

  @Override
  public boolean put(ChunkKey key, MemorySegment bytes) {
    return false;
  }

  /** Whoever gave it cannot be told: the next one is asked, or nobody. */
  @Override
  public void remove(ChunkKey key) {
    holders.of(key.shard()).forEach(address -> holders.lost(key.shard(), address));
  }

  @Override
  public void close() {
    peers.values().forEach(peer -> peer.wires().close());
    deadlines.close();
  }
}
