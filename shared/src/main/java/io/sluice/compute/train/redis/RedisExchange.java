package io.sluice.compute.train.redis;

import io.sluice.compute.train.Exchange;
import io.sluice.model.SluiceException;
import io.sluice.redis.RedisClient;
import io.sluice.redis.RedisException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Supplier;

/** Bytes in Redis, each under a key of its own that expires. Made for values of up to 1 MiB. */
public final class RedisExchange implements Exchange {
  private final RedisClient redis;
  private final String prefix;
  private final Duration ttl;

  /**
   * @param prefix of all keys, such as <code>{sluice}:</code>
   * @param ttl how long a value is kept at the longest
   */
  public RedisExchange(RedisClient redis, String prefix, Duration ttl) {
    this.redis = Objects.requireNonNull(redis, "redis");
    this.prefix = Objects.requireNonNull(prefix, "prefix");
    this.ttl = Objects.requireNonNull(ttl, "ttl");
  }

  @Override
  public void put(String key, byte[] value) {
    translated(
        () -> {
          redis.setBytes(key(key), value, ttl);
          return null;
        });
  }

  @Override
  public Optional<byte[]> get(String key) {
    return Optional.ofNullable(translated(() -> redis.getBytes(key(key))));
  }

  @Override
  public boolean hasAll(List<String> keys) {
    return translated(() -> redis.call("EXISTS", all(keys)).toInteger()) == keys.size();
  }

  @Override
  public void remove(Collection<String> keys) {
    if (!keys.isEmpty()) {
      translated(() -> redis.call("UNLINK", all(keys)));
    }
  }

  private List<String> all(Collection<String> keys) {
    List<String> all = new ArrayList<>(keys.size());
    keys.forEach(key -> all.add(key(key)));
    return all;
  }

  private String key(String key) {
    return prefix + "exchange:" + key;
  }

  private static <T> T translated(Supplier<T> call) {
    try {
      return call.get();
    } catch (RedisException e) {
      throw new SluiceException(e.kind(), e.code(), e.getMessage(), e);
    }
  }
}
