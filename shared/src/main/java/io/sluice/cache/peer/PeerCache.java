package io.sluice.cache.peer;

import io.sluice.cache.CacheException;
import io.sluice.cache.ChunkCache;
import io.sluice.cache.ChunkKey;
import io.sluice.cache.CircuitBreaker;
import io.sluice.cache.ShardHolders;
import io.sluice.http.HttpAnswer;
import io.sluice.http.HttpCall;
import io.sluice.http.HttpHeaders;
import io.sluice.http.HttpTransport;
import io.sluice.http.Origin;
import io.sluice.http.RequestBody;
import io.sluice.http.RequestSigner;
import io.sluice.http.TransportSettings;
import io.sluice.model.ByteRange;
import io.sluice.model.Digest;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.ProtocolException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Reads chunks from workers that hold their shard, by {@code GET <address>/shards/<digest>} with a
 * {@code Range} (RFC 9110, section 14), straight into memory. Each chunk is asked from a holder
 * drawn at random, so that the load spreads over all of them; a holder that fails or has let go is
 * not asked for the shard again, and the next one is.
 */
public final class PeerCache implements ChunkCache {
  /** Holders that are asked for one chunk: if none of them gives it, others hardly will. */
  private static final int TRIES = 3;

  /** So many workers that failed since one answered: then none of them counts as in reach. */
  private static final int UNREACHABLE = 4;

  /** For how long; then the first failure is one too many again. */
  private static final Duration QUIET = Duration.ofSeconds(30);

  /** Answers of errors are small. */
  private static final int MAX_PROBLEM = 64 << 10;

  private final ShardHolders holders;
  private final PeerSettings settings;
  private final RequestSigner signer;
  private final HttpTransport transport;
  private final Set<URI> failing = ConcurrentHashMap.newKeySet();
  private final AtomicLong quietUntil = new AtomicLong(System.nanoTime());
  private final Map<URI, CircuitBreaker> breakers = new ConcurrentHashMap<>();

  /**
   * @param holders who holds what, as it was asked last
   * @param signer proves to them that this is a worker
   */
  public PeerCache(ShardHolders holders, PeerSettings settings, RequestSigner signer) {
    this.signer = signer;
    this.holders = holders;
    this.settings = settings;
    this.transport =
        new HttpTransport(
            TransportSettings.defaults()
                .withConnectTimeout(settings.connectTimeout())
                .withStallTimeout(settings.timeout()));
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
    return reachable() && !holders.of(shard).isEmpty();
  }

  @Override
  public boolean fillable() {
    return false;
  }

  /**
   * Whether other workers can be reached as far as is known: not for a while after several of them
   * have failed and none has answered, as where functions have no way to each other.
   */
  public boolean reachable() {
    return System.nanoTime() - quietUntil.get() >= 0;
  }

  @Override
  public boolean get(ChunkKey key, MemorySegment target) {
    List<URI> addresses = new ArrayList<>(holders.of(key.shard()));
    Collections.shuffle(addresses, ThreadLocalRandom.current());
    CacheException failure = null;
    int tries = 0;
    for (URI address : addresses) {
      if (tries == TRIES) {
        break;
      }
      CircuitBreaker breaker = breakers.computeIfAbsent(address, a -> CircuitBreaker.standard());
      if (!breaker.permits()) {
        holders.lost(key.shard(), address);
        continue;
      }
      tries++;
      try {
        boolean given = fetch(address, key, target);
        breaker.succeeded();
        failing.clear();
        if (given) {
          return true;
        }
      } catch (IOException e) {
        failure = CacheException.unavailable("worker at " + address + ": " + e.getMessage(), e);
        if (Thread.currentThread().isInterrupted()) {
          breaker.succeeded();
          throw failure;
        }
        breaker.failed();
        failing.add(address);
        if (failing.size() >= UNREACHABLE) {
          quietUntil.set(System.nanoTime() + QUIET.toNanos());
        }
      }
      holders.lost(key.shard(), address);
    }
    if (failure != null) {
      throw failure;
    }
    return false;
  }

  /** Whether the worker gave all of the bytes; false if it does not hold them. */
  private boolean fetch(URI address, ChunkKey key, MemorySegment target) throws IOException {
    ByteRange range = key.range();
    String path = address.getRawPath() == null ? "" : address.getRawPath().replaceFirst("/$", "");
    String route = "/shards/" + key.shard();
    HttpHeaders headers =
        new HttpHeaders().add("Range", "bytes=" + range.offset() + "-" + (range.end() - 1));
    signer.authorization("GET", route).ifPresent(value -> headers.add("Authorization", value));
    HttpCall call =
        new HttpCall(
            Origin.of(address),
            "GET",
            path + route,
            headers,
            RequestBody.none(),
            settings.timeout());
    try (HttpAnswer answer = transport.send(call)) {
      if (answer.status() == 206 && answer.length().orElse(-1) == range.length()) {
        return answer.receive(target.asSlice(0, range.length()), n -> {}) == range.length();
      }
      if (answer.status() == 206) {
        throw new ProtocolException(
            "it gave " + answer.length() + " bytes for bytes " + range + " of a shard");
      }
      byte[] problem = answer.bytes(MAX_PROBLEM);
      if (answer.status() == 404 || answer.status() == 416) {
        return false;
      }
      String text = new String(problem, StandardCharsets.UTF_8);
      throw new ProtocolException(
          "status "
              + answer.status()
              + ": "
              + (text.length() > 200 ? text.substring(0, 200) + "…" : text));
    }
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
    transport.close();
  }
}
