package io.sluice.job.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.job.JobException;
import io.sluice.job.JobSettings;
import io.sluice.job.JobStore;
import io.sluice.job.JobStoreKit;
import io.sluice.job.WorkerRegistry;
import io.sluice.redis.RedisClient;
import io.sluice.redis.TestRedis;
import io.vertx.redis.client.Response;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class RedisJobStoreTest extends JobStoreKit {
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
  protected JobStore store(JobSettings settings) {
    return new RedisJobStore(client, prefix, settings);
  }

  @Override
  protected WorkerRegistry workers(Duration ttl) {
    return new RedisWorkerRegistry(client, prefix, ttl);
  }

  @Override
  protected void passes(Duration time) {
    RedisTime.passes(client, prefix, time);
  }

  @Test
  void everythingOfAJobExpires() {
    JobStore store = store(LONG);
    String unbounded = running(false);
    String cancelled = store.create("load", json("a", "b"), Optional.of("a key"));
    assertThat(keys()).isNotEmpty().allSatisfy(this::expires);
    store.cancel(cancelled);
    store.cancel(unbounded);
    assertThat(store.list(10)).hasSize(2);
    assertThat(keys()).allSatisfy(this::expires);
    passes(LONG.retention());
    assertThat(store.list(10)).isEmpty();
    assertThatThrownBy(() -> store.get(cancelled)).hasMessageContaining(cancelled);
    assertThat(keys()).containsExactly(prefix + "jobs");
  }

  @Test
  void anUnreachableRedisIsAPassingErrorOfJobs() {
    try (TestRedis redis = new TestRedis();
        RedisClient own = redis.client()) {
      JobStore store = new RedisJobStore(own, prefix, LONG);
      store.create("load", json("a", "b"), Optional.empty());
      redis.kill();
      assertThatThrownBy(store::active)
          .isInstanceOfSatisfying(JobException.class, e -> assertThat(e.retryable()).isTrue());
    }
  }

  private void expires(String key) {
    if (!key.equals(prefix + "jobs") && !key.equals(prefix + "jobs:active")) {
      assertThat(client.call("PTTL", key).toLong()).as(key).isPositive();
    }
  }

  private List<String> keys() {
    Response keys = client.call("KEYS", prefix.replace("{", "\\{") + "*");
    return StreamSupport.stream(keys.spliterator(), false).map(Response::toString).toList();
  }
}
