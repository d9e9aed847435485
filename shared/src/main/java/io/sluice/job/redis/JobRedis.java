package io.sluice.job.redis;

import io.sluice.job.JobException;
import io.sluice.redis.RedisClient;
import io.sluice.redis.RedisException;
import io.sluice.redis.Script;
import io.vertx.redis.client.Response;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Supplier;

/** The client and the prefix of all keys; the one place where its errors become those of jobs. */
final class JobRedis {
  private final RedisClient client;
  private final String prefix;

  /**
   * @param prefix of all keys, such as <code>{sluice}:</code>; in braces what a cluster hashes, so
   *     that all keys share a slot
   */
  JobRedis(RedisClient client, String prefix) {
    this.client = Objects.requireNonNull(client, "client");
    this.prefix = Objects.requireNonNull(prefix, "prefix");
  }

  String key(String rest) {
    return prefix + rest;
  }

  String prefix() {
    return prefix;
  }

  Response call(String command, String... args) {
    return translated(() -> client.call(command, args));
  }

  List<Response> batch(List<RedisClient.Call> calls) {
    return translated(() -> client.batch(calls));
  }

  /** The key only tells a cluster where to run the script. */
  Response eval(Script script, String key, List<String> args) {
    return translated(() -> client.eval(script, List.of(key), args));
  }

  /** The fields of a hash; Redis answers with a map or, in its older protocol, with a list. */
  static Map<String, String> fields(Response hash) {
    Map<String, String> fields = HashMap.newHashMap(hash.size());
    if (hash.isMap()) {
      for (String field : hash.getKeys()) {
        fields.put(field, hash.get(field).toString());
      }
    } else {
      for (int i = 0; i + 1 < hash.size(); i += 2) {
        fields.put(hash.get(i).toString(), hash.get(i + 1).toString());
      }
    }
    return fields;
  }

  private static <T> T translated(Supplier<T> call) {
    try {
      return call.get();
    } catch (RedisException e) {
      throw new JobException(e.kind(), e.code(), e.getMessage(), e);
    }
  }
}
