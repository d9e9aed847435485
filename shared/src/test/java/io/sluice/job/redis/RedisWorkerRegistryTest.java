package io.sluice.job.redis;

import io.sluice.job.WorkerRegistry;
import io.sluice.job.WorkerRegistryKit;
import io.sluice.redis.RedisClient;
import io.sluice.redis.TestRedis;
import io.vertx.redis.client.Response;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

class RedisWorkerRegistryTest extends WorkerRegistryKit {
  private static RedisClient client;
  private final String prefix = TestRedis.prefix();

  @BeforeAll
  static void connect() {
    client = TestRedis.shared().client();
  }

  @AfterAll
  static void disconnect() {
    client.close();
  }

  @Override
  protected WorkerRegistry registry(Duration ttl) {
    return new RedisWorkerRegistry(client, prefix, ttl);
  }

  @Override
  protected void passes(Duration time) {
    RedisTime.passes(client, prefix, time);
  }

  @Override
  protected void flush() {
    for (Response key : client.call("KEYS", prefix.replace("{", "\\{") + "*")) {
      client.call("DEL", key.toString());
    }
  }
}
