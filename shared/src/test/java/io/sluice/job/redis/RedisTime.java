package io.sluice.job.redis;

import io.sluice.redis.RedisClient;
import java.time.Duration;
import java.util.List;

/** Lets time pass for what is stored in Redis, so that no test has to wait for it. */
public final class RedisTime {
  /** Everything that ends by itself, ends so much earlier: keys, leases, pauses, graces. */
  private static final String PASS =
      """
      local ms = tonumber(ARGV[2])
      for _, key in ipairs(redis.call('KEYS', ARGV[1])) do
        if string.find(key, ':leases$') or string.find(key, ':delayed$') then
          for _, step in ipairs(redis.call('ZRANGE', key, 0, -1)) do
            redis.call('ZINCRBY', key, -ms, step)
          end
        elseif redis.call('TYPE', key)['ok'] == 'hash' and
            redis.call('HEXISTS', key, 'stuck') == 1 then
          redis.call('HINCRBY', key, 'stuck', -ms)
        end
        local left = redis.call('PTTL', key)
        if left >= 0 then redis.call('PEXPIRE', key, left - ms) end
      end
      return 0
      """;

  private RedisTime() {}

  /** As if so much time had passed for the keys of a prefix. */
  public static void passes(RedisClient client, String prefix, Duration time) {
    client.call(
        "EVAL",
        List.of(PASS, "0", prefix.replace("{", "\\{") + "*", Long.toString(time.toMillis())));
  }
}
