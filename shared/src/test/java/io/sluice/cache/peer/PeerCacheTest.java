package io.sluice.cache.peer;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.sluice.TestPorts;
import io.sluice.cache.CacheKit;
import io.sluice.cache.CacheMetrics;
import io.sluice.cache.CacheTier;
import io.sluice.cache.ChunkCache;
import io.sluice.cache.ShardHolders;
import io.sluice.http.RequestSigner;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The client side, against HTTP servers of another make; the route has tests of its own. */
class PeerCacheTest extends CacheKit {
  /** A worker that holds shards, as seen from outside. */
  private static final class Peer implements AutoCloseable {
    /**
     * More than all tests connect at once: one connection too many waits a second for its place.
     */
    private static final int BACKLOG = 512;

    private static final Pattern RANGE = Pattern.compile("bytes=(\\d+)-(\\d+)");

    final Map<String, byte[]> shards = new ConcurrentHashMap<>();
    final AtomicInteger requests = new AtomicInteger();
    volatile CountDownLatch hanging = new CountDownLatch(0);
    private final int port;
    private HttpServer server;

    Peer() {
      port = TestPorts.fixed();
      start();
    }

    URI address() {
      return URI.create("http://127.0.0.1:" + port);
    }

    void start() {
      try {
        server =
            HttpServer.create(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), port), BACKLOG);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
      server.createContext("/shards/", this::serve);
      server.start();
    }

    private void serve(HttpExchange exchange) throws IOException {
      requests.incrementAndGet();
      try (exchange) {
        hanging.await();
        String path = exchange.getRequestURI().getPath();
        byte[] shard = shards.get(path.substring(path.lastIndexOf('/') + 1));
        Matcher range = RANGE.matcher(exchange.getRequestHeaders().getFirst("Range"));
        if (shard == null || !range.matches()) {
          byte[] problem = "{\"status\":404}".getBytes(java.nio.charset.StandardCharsets.UTF_8);
          exchange.sendResponseHeaders(404, problem.length);
          exchange.getResponseBody().write(problem);
          return;
        }
        int first = Integer.parseInt(range.group(1));
        int last = Integer.parseInt(range.group(2));
        exchange.sendResponseHeaders(206, last - first + 1L);
        exchange.getResponseBody().write(shard, first, last - first + 1);
      } catch (InterruptedException e) {
        throw new IOException(e);
      }
    }

    @Override
    public void close() {
      hanging.countDown();
      server.stop(0);
    }
  }

  private final ShardHolders holders = new ShardHolders();
  private final Peer peer = new Peer();

  @AfterEach
  void stop() {
    peer.close();
  }

  @Override
  protected ChunkCache open() {
    return new PeerCache(
        holders,
        new PeerSettings(Duration.ofSeconds(2), Duration.ofSeconds(2)),
        RequestSigner.NONE);
  }

  @Override
  protected void give(ChunkCache to, Chunk chunk) {
    hold(peer, chunk);
    holders.located(chunk.key().shard(), List.of(peer.address()));
  }

  private static void hold(Peer peer, Chunk chunk) {
    peer.shards.compute(
        chunk.key().shard().toString(),
        (shard, old) -> {
          int end = (int) chunk.key().range().end();
          byte[] all =
              old == null ? new byte[end] : java.util.Arrays.copyOf(old, Math.max(old.length, end));
          System.arraycopy(
              chunk.bytes(), 0, all, (int) chunk.key().range().offset(), chunk.bytes().length);
          return all;
        });
  }

  @Override
  protected void corrupt(Chunk chunk) {
    peer.shards.get(chunk.key().shard().toString())[3] ^= 1;
  }

  @Override
  protected boolean bounded() {
    return false;
  }

  @Override
  protected void kill() {
    peer.server.stop(0);
  }

  @Override
  protected void restart() {
    peer.start();
  }

  @Override
  protected boolean hang() {
    peer.hanging = new CountDownLatch(1);
    return true;
  }

  @Override
  protected void goOn() {
    peer.hanging.countDown();
  }

  @Test
  void theLoadSpreadsOverAllHolders() {
    try (Peer second = new Peer();
        Peer third = new Peer()) {
      Chunk chunk = chunk(1000);
      List<Peer> all = List.of(peer, second, third);
      all.forEach(p -> hold(p, chunk));
      holders.located(chunk.key().shard(), all.stream().map(Peer::address).toList());
      for (int i = 0; i < 90; i++) {
        assertThat(got(chunk)).isTrue();
      }
      assertThat(all).allSatisfy(p -> assertThat(p.requests.get()).isBetween(10, 60));
    }
  }

  @Test
  void whoHasLetGoOrIsDeadIsNotAskedForTheShardAgain() {
    try (Peer second = new Peer()) {
      Peer dead = new Peer();
      dead.close();
      Chunk chunk = chunk(1000);
      hold(second, chunk);
      holders.located(
          chunk.key().shard(), List.of(peer.address(), second.address(), dead.address()));
      for (int i = 0; i < 20; i++) {
        assertThat(got(chunk)).isTrue();
      }
      assertThat(peer.requests.get()).isLessThanOrEqualTo(1);
      List<URI> left = new ArrayList<>(holders.of(chunk.key().shard()));
      left.removeAll(holders.failed(chunk.key().shard()));
      assertThat(left).isEqualTo(holders.of(chunk.key().shard())).contains(second.address());
    }
  }

  @Test
  void whereNobodyCanBeReachedNobodyIsAskedForAWhile() {
    List<URI> nobody = new ArrayList<>();
    for (int i = 0; i < 30; i++) {
      Peer dead = new Peer();
      dead.close();
      nobody.add(dead.address());
    }
    PeerCache peers = (PeerCache) cache();
    CacheTier tier = tier();
    int asked = 0;
    while (peers.reachable()) {
      Chunk chunk = chunk(100);
      holders.located(chunk.key().shard(), nobody);
      tier.get(chunk.key(), MemorySegment.ofArray(new byte[100]));
      assertThat(++asked).isLessThanOrEqualTo(20);
    }
    Chunk chunk = chunk(100);
    hold(peer, chunk);
    holders.located(chunk.key().shard(), List.of(peer.address()));
    assertThat(peers.mayHave(chunk.key().shard())).isFalse();
    assertThat(asked).isGreaterThanOrEqualTo(2);
    assertThat(peer.requests).hasValue(0);
  }

  @Test
  void whatNobodyIsKnownToHoldAsksNobody() {
    Chunk chunk = chunk(1000);
    hold(peer, chunk);
    assertThat(cache().mayHave(chunk.key().shard())).isFalse();
    assertThat(got(chunk)).isFalse();
    assertThat(peer.requests).hasValue(0);
  }

  @Test
  void cannotBeFilled() {
    assertThat(cache().fillable()).isFalse();
    CacheTier tier = tier();
    Chunk chunk = chunk(10);
    tier.put(chunk.key(), chunk.segment());
    assertThat(counts().of(CacheMetrics.Fill.REFUSED)).isEqualTo(1);
  }

  private boolean got(Chunk chunk) {
    byte[] target = new byte[chunk.key().length()];
    boolean hit = cache().get(chunk.key(), MemorySegment.ofArray(target));
    assertThat(!hit || java.util.Arrays.equals(target, chunk.bytes())).isTrue();
    return hit;
  }
}
