package io.sluice.job.redis;

import io.sluice.job.JobException;
import io.sluice.job.ShardPins;
import io.sluice.model.ErrorKind;
import io.sluice.redis.RedisClient;
import io.sluice.redis.Script;
import io.vertx.redis.client.Response;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;

/**
 * Pins in Redis: {@code pin:<key>}, the set of its owners, {@code pins:<owner>}, the set of its
 * keys, {@code pinner:<owner>}, which lives as long as the owner renews, and {@code gc:<key>} while
 * it is being deleted. An entry counts if its owner has a {@code pinner} or is a job that is not
 * over, so that nothing has to be cleaned up when an owner dies.
 */
public final class RedisShardPins implements ShardPins {
  private static final int PAGE = 500;
  private static final long MIN_POLL_MS = 2;
  private static final long MAX_POLL_MS = 100;

  /** Entries that were never unpinned are forgotten after that long; jobs live no longer. */
  private static final Duration MAX_AGE = Duration.ofDays(30);

  private static final String LIB =
      """
      local P, subject, ttl = ARGV[1], ARGV[2], ARGV[3]
      local function alive(owner)
        if redis.call('EXISTS', P .. 'pinner:' .. owner) == 1 then return true end
        local s = redis.call('HGET', P .. 'job:' .. owner, 'state')
        return s == 'planning' or s == 'running' or s == 'committing'
      end
      """;

  /** owner, ttl, max age, keys: those that are being deleted; if there is one, none is pinned. */
  private static final Script PIN =
      Script.of(
          "pin",
          LIB,
          """
          local busy = {}
          for i = 5, #ARGV do
            if redis.call('EXISTS', P .. 'gc:' .. ARGV[i]) == 1 then busy[#busy + 1] = ARGV[i] end
          end
          if #busy > 0 then return busy end
          local mine = P .. 'pins:' .. subject
          for i = 5, #ARGV do
            redis.call('SADD', P .. 'pin:' .. ARGV[i], subject)
            redis.call('PEXPIRE', P .. 'pin:' .. ARGV[i], ARGV[4])
            redis.call('SADD', mine, ARGV[i])
          end
          redis.call('PEXPIRE', mine, ARGV[4])
          redis.call('SET', P .. 'pinner:' .. subject, '1', 'PX', ttl)
          return busy
          """);

  private static final Script RENEW =
      Script.of(
          "pin-renew",
          LIB,
          """
          if not alive(subject) then return 0 end
          redis.call('SET', P .. 'pinner:' .. subject, '1', 'PX', ttl)
          return 1
          """);

  /** owner, ttl, page: how many keys it let go of. */
  private static final Script UNPIN =
      Script.of(
          "unpin",
          LIB,
          """
          local keys = redis.call('SPOP', P .. 'pins:' .. subject, ARGV[4])
          for _, k in ipairs(keys) do redis.call('SREM', P .. 'pin:' .. k, subject) end
          if #keys == 0 then redis.call('DEL', P .. 'pinner:' .. subject) end
          return #keys
          """);

  private static final Script BEGIN_DELETE =
      Script.of(
          "begin-delete",
          LIB,
          """
          local owners = P .. 'pin:' .. subject
          for _, owner in ipairs(redis.call('SMEMBERS', owners)) do
            if alive(owner) then return 0 end
            redis.call('SREM', owners, owner)
          end
          if redis.call('SET', P .. 'gc:' .. subject, '1', 'NX', 'PX', ttl) then return 1 end
          return 0
          """);

  private final JobRedis redis;
  private final Duration pinTtl;
  private final Duration deleteTtl;

  /**
   * @param prefix of all keys, as that of the job store
   * @param pinTtl how long the pins of an owner that is no job last without renewal
   * @param deleteTtl how long a deletion may take
   */
  public RedisShardPins(RedisClient client, String prefix, Duration pinTtl, Duration deleteTtl) {
    this.redis = new JobRedis(client, prefix);
    this.pinTtl = pinTtl;
    this.deleteTtl = deleteTtl;
  }

  @Override
  public void pin(String owner, Collection<String> keys, Duration atMost)
      throws InterruptedException {
    long deadline = System.nanoTime() + atMost.toNanos();
    List<String> all = List.copyOf(keys);
    for (int from = 0; from < all.size(); from += PAGE) {
      List<String> page = all.subList(from, Math.min(all.size(), from + PAGE));
      List<String> args = new ArrayList<>();
      args.add(Long.toString(MAX_AGE.toMillis()));
      args.addAll(page);
      for (long pause = MIN_POLL_MS; ; pause = Math.min(MAX_POLL_MS, 2 * pause)) {
        Response busy = eval(PIN, owner, pinTtl, args.toArray(String[]::new));
        if (busy.size() == 0) {
          break;
        }
        if (System.nanoTime() >= deadline) {
          throw new JobException(
              ErrorKind.TRANSIENT,
              "object-being-deleted",
              "object '" + busy.get(0) + "' is being deleted for longer than " + atMost);
        }
        Thread.sleep(pause);
      }
    }
  }

  @Override
  public boolean renew(String owner) {
    return eval(RENEW, owner, pinTtl).toInteger() == 1;
  }

  @Override
  public void unpin(String owner) {
    while (eval(UNPIN, owner, pinTtl, Integer.toString(PAGE)).toInteger() > 0) {
      // the next page
    }
  }

  @Override
  public boolean beginDelete(String key) {
    return eval(BEGIN_DELETE, key, deleteTtl).toInteger() == 1;
  }

  @Override
  public void endDelete(String key) {
    redis.call("DEL", redis.key("gc:" + key));
  }

  @Override
  public Duration deleteTtl() {
    return deleteTtl;
  }

  private Response eval(Script script, String subject, Duration ttl, String... args) {
    List<String> all = new ArrayList<>(3 + args.length);
    all.add(redis.prefix());
    all.add(subject);
    all.add(Long.toString(ttl.toMillis()));
    all.addAll(Arrays.asList(args));
    return redis.eval(script, redis.key("pins:" + subject), all);
  }
}
