package io.sluice.cache.memcached;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.cache.CacheException;
import io.sluice.cache.CacheKit;
import io.sluice.cache.CacheMetrics;
import io.sluice.cache.CacheTier;
import io.sluice.cache.ChunkCache;
import io.sluice.model.HostPort;
import io.sluice.redis.TestSignals;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MemcachedCacheTest extends CacheKit {
  private static TestMemcached server;

  @BeforeAll
  static void start() {
    TestMemcached.assumeThere();
    server = new TestMemcached("-I", "4m", "-m", "64");
  }

  @AfterAll
  static void stop() {
    if (server != null) {
      server.close();
    }
  }

  @Override
  protected ChunkCache open() {
    // Not flush_all: the server would keep its memory cut up for the sizes of the test before.
    server.kill();
    server.start();
    return cache(server);
  }

  private static MemcachedCache cache(TestMemcached... servers) {
    List<HostPort> addresses = new ArrayList<>();
    for (TestMemcached one : servers) {
      addresses.add(one.address());
    }
    return new MemcachedCache(
        new MemcachedSettings(
            addresses, Duration.ofSeconds(2), Duration.ofSeconds(2), Duration.ofHours(1), 4));
  }

  @Override
  protected int bound() {
    return 64 << 20;
  }

  @Override
  protected void corrupt(Chunk chunk) {
    String key = "sluice:" + chunk.key().text() + "-" + (1 << 20) + "-0";
    byte[] bytes = chunk.bytes();
    StringBuilder value = new StringBuilder();
    for (int i = 0; i < Math.min(1 << 20, bytes.length); i++) {
      value.append((char) ((i == 77 ? ~bytes[i] : bytes[i]) & 0xff));
    }
    assertThat(server.say("set " + key + " 0 100 " + value.length() + "\r\n" + value + "\r\n"))
        .isEqualTo("STORED");
  }

  @Override
  protected void kill() {
    server.kill();
  }

  @Override
  protected void restart() {
    server.start();
  }

  @Override
  protected boolean hang() {
    TestSignals.stop(server.pid());
    return true;
  }

  @Override
  protected void goOn() {
    TestSignals.go(server.pid());
  }

  @ParameterizedTest
  @CsvSource({"2k, 1024", "128k, 65536", "1m, 524288", "1536k, 524288", "64m, 524288"})
  void respectsTheLargestItemOfTheServer(String itemMax, String slabChunkMax) {
    try (TestMemcached other =
            new TestMemcached("-I", itemMax, "-m", "256", "-o", "slab_chunk_max=" + slabChunkMax);
        MemcachedCache cache = cache(other)) {
      for (int length : new int[] {1, 1000, 100_000, (1 << 20) + 17, 5_000_000}) {
        Chunk chunk = chunk(length);
        assertThat(cache.put(chunk.key(), MemorySegment.ofArray(chunk.bytes()))).isTrue();
        assertThat(given(cache, chunk)).as("%d bytes in items of %s", length, itemMax).isTrue();
      }
    }
  }

  @Test
  void aServerThatComesBackWithSmallerItemsIsAskedAgain() throws InterruptedException {
    try (TestMemcached other = new TestMemcached("-I", "8m", "-m", "64");
        MemcachedCache cache = cache(other)) {
      Chunk chunk = chunk(3_000_000);
      assertThat(cache.put(chunk.key(), MemorySegment.ofArray(chunk.bytes()))).isTrue();
      other.kill();
      other.start("-I", "64k", "-m", "64", "-o", "slab_chunk_max=32768");
      assertThat(cache.put(chunk.key(), MemorySegment.ofArray(chunk.bytes()))).isTrue();
      assertThat(given(cache, chunk)).isTrue();
    }
  }

  @Test
  void ofThreeServersOneThatIsDeadCostsItsThirdOnly() {
    try (TestMemcached a = new TestMemcached("-m", "64");
        TestMemcached b = new TestMemcached("-m", "64");
        TestMemcached c = new TestMemcached("-m", "64");
        MemcachedCache cache = cache(a, b, c)) {
      CacheTier tier = new CacheTier(cache, counts());
      List<Chunk> chunks = new ArrayList<>();
      for (int i = 0; i < 60; i++) {
        chunks.add(chunk(10_000));
        tier.put(chunks.getLast().key(), chunks.getLast().segment());
      }
      assertThat(chunks.stream().filter(x -> given(tier, x))).hasSize(60);
      b.kill();
      long left = chunks.stream().filter(x -> given(tier, x)).count();
      assertThat(left).isBetween(25L, 55L);
      // After three errors nobody waits for it any more.
      assertThat(counts().of(CacheMetrics.Lookup.ERROR)).isEqualTo(3);
      assertThat(chunks.stream().filter(x -> given(tier, x))).hasSize((int) left);
    }
  }

  @Test
  void aServerThatIsAddedMovesItsShareOnly() {
    List<String> three = List.of("10.0.0.1:11211", "10.0.0.2:11211", "10.0.0.3:11211");
    List<String> four = new ArrayList<>(three);
    four.add("10.0.0.4:11211");
    Ketama before = new Ketama(three);
    Ketama after = new Ketama(four);
    Map<Integer, Integer> share = new HashMap<>();
    int moved = 0;
    for (int i = 0; i < 10_000; i++) {
      int old = before.serverOf("key-" + i);
      int now = after.serverOf("key-" + i);
      share.merge(old, 1, Integer::sum);
      if (old != now) {
        assertThat(now).as("keys move to the new server only").isEqualTo(3);
        moved++;
      }
    }
    assertThat(moved).isBetween(1_500, 3_500);
    assertThat(share.values()).allSatisfy(n -> assertThat(n).isBetween(2_300, 4_400));
  }

  @Test
  void nonsenseIsRefused() {
    for (String text : new String[] {"", ":1", "host:0", "host:65536", "a b", "host:x", "::1:1"}) {
      assertThatThrownBy(() -> MemcachedSettings.server(text))
          .as(text)
          .isInstanceOf(CacheException.class)
          .hasMessageContaining("'" + text + "'");
    }
    assertThat(MemcachedSettings.server("[::1]")).hasToString("[::1]:11211");
    assertThat(MemcachedSettings.server("cache.local:7")).hasToString("cache.local:7");
  }

  private static boolean given(ChunkCache cache, Chunk chunk) {
    byte[] target = new byte[chunk.key().length()];
    boolean hit = cache.get(chunk.key(), MemorySegment.ofArray(target));
    assertThat(!hit || java.util.Arrays.equals(target, chunk.bytes())).isTrue();
    return hit;
  }

  private static boolean given(CacheTier tier, Chunk chunk) {
    return tier.get(chunk.key(), MemorySegment.ofArray(new byte[chunk.key().length()]));
  }
}
