package io.sluice.job.redis;

import io.sluice.job.JobSettings;
import io.sluice.job.JobStore;
import io.sluice.job.ShardPins;
import io.sluice.job.ShardPinsKit;
import io.sluice.redis.RedisClient;
import io.sluice.redis.TestRedis;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

class RedisShardPinsTest extends ShardPinsKit {
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
  protected ShardPins pins(Duration pinTtl, Duration deleteTtl) {
    return new RedisShardPins(client, prefix, pinTtl, deleteTtl);
  }

  @Override
  protected void passes(Duration time) {
    RedisTime.passes(client, prefix, time);
  }

  @Override
  protected JobStore store() {
    return new RedisJobStore(client, prefix, JobSettings.defaults());
  }
}
