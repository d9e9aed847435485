package io.sluice.cache.redis;

import io.sluice.cache.CacheKit;
import io.sluice.cache.ChunkCache;
import io.sluice.redis.RedisClient;
import io.sluice.redis.RedisConfig;
import io.sluice.redis.RedisException;
import io.sluice.redis.TestRedis;
import io.sluice.redis.TestSignals;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

class RedisChunkCacheTest extends CacheKit {
  private static TestRedis server;

  @BeforeAll
  static void start() {
    server = new TestRedis();
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  @Override
  protected ChunkCache open() {
    try (RedisClient admin = server.client()) {
      admin.call("FLUSHALL");
      bound(admin);
    }
    // Another logical database than that of the jobs.
    RedisConfig config =
        new RedisConfig("redis://127.0.0.1:" + server.port() + "/3", Duration.ofSeconds(2), 4);
    return new RedisChunkCache(
        new RedisClient(TestRedis.vertx(), config), "c:", Duration.ofHours(1), 4);
  }

  @Override
  protected int bound() {
    return 32 << 20;
  }

  /** What Redis takes for itself and for what is on its way counts too. */
  private void bound(RedisClient admin) {
    admin.call("CONFIG", "SET", "maxmemory", Integer.toString(bound()));
    admin.call("CONFIG", "SET", "maxmemory-policy", "allkeys-lru");
    admin.call("CONFIG", "SET", "appendonly", "no");
  }

  @Override
  protected void corrupt(Chunk chunk) {
    try (RedisClient admin = server.client()) {
      admin.batch(
          List.of(
              RedisClient.Call.of("SELECT", "3"),
              RedisClient.Call.of(
                  "SETRANGE", "c:" + chunk.key().text() + "-0", "77", "corrupted")));
    }
  }

  @Override
  protected void kill() {
    server.kill();
  }

  @Override
  protected void restart() {
    server.start();
    try (RedisClient admin = server.client()) {
      for (int i = 0; ; i++) {
        try {
          bound(admin);
          return;
        } catch (RedisException e) {
          if (i == 1_000 || !e.getMessage().contains("during loading")) {
            throw e;
          }
        }
      }
    }
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
}
