package io.sluice.event.redis;

import io.sluice.event.EventException;
import io.sluice.event.SeenEvents;
import io.sluice.model.ErrorKind;
import io.sluice.redis.RedisClient;
import io.sluice.redis.RedisException;
import io.vertx.redis.client.Response;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;

/** Under {@code event:<key>} lies the job of an event, or nothing while it is being handled. */
public final class RedisSeenEvents implements SeenEvents {
  private static final String NONE = "-";

  private final RedisClient redis;
  private final String prefix;

  /**
   * @param prefix of all keys, as that of the jobs
   */
  public RedisSeenEvents(RedisClient redis, String prefix) {
    this.redis = Objects.requireNonNull(redis, "redis");
    this.prefix = Objects.requireNonNull(prefix, "prefix");
  }

  @Override
  public Optional<String> claim(String key, Duration hold) {
    String at = at(key);
    while (call("SET", at, NONE, "NX", "PX", Long.toString(hold.toMillis())) == null) {
      Response job = call("GET", at);
      if (job == null) {
        continue; // it has expired in between
      }
      if (job.toString().equals(NONE)) {
        throw new EventException(
            ErrorKind.TRANSIENT,
            "event-busy",
            "the same event is being handled at this moment; its next delivery will tell the job");
      }
      return Optional.of(job.toString());
    }
    return Optional.empty();
  }

  @Override
  public void handled(String key, String job, Duration remember) {
    call("SET", at(key), job, "PX", Long.toString(remember.toMillis()));
  }

  @Override
  public void release(String key) {
    call("DEL", at(key));
  }

  private String at(String key) {
    return prefix + "event:" + key;
  }

  private Response call(String command, String... args) {
    try {
      return redis.call(command, args);
    } catch (RedisException e) {
      throw new EventException(e.kind(), e.code(), e.getMessage(), e);
    }
  }
}
