package io.sluice.job.redis;

import io.sluice.job.ShardClaims;
import io.sluice.job.Worker;
import io.sluice.model.ByteRange;
import io.sluice.model.Digest;
import io.sluice.redis.RedisClient;
import io.sluice.redis.Script;
import io.vertx.redis.client.Response;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.Collectors;

/**
 * Claims in Redis: {@code fill:<hex of the shard>:<digest of the runs>} is the incarnation that
 * reads these bytes, until it expires. Who holds them is what {@link RedisWorkerRegistry} wrote.
 * One script looks and claims, so it takes one round trip.
 */
public final class RedisShardClaims implements ShardClaims {
  /** As many holders share the work of giving. */
  private static final int MAX_HOLDERS = 16;

  private static final String LIB =
      """
      local P, me, hex, runs, ttl = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
      local F = KEYS[1]
      """;

  /** random number, most holders, addresses to leave out. */
  private static final Script ASK =
      Script.of(
          "shard-ask",
          LIB,
          """
          local function covers(have)
            for b, e in string.gmatch(runs, '(%d+):(%d+)') do
              local found = false
              for hb, he in string.gmatch(have, '(%d+):(%d+)') do
                if tonumber(hb) <= tonumber(b) and tonumber(he) >= tonumber(e) then
                  found = true
                  break
                end
              end
              if not found then return false end
            end
            return true
          end
          local without = {}
          for i = 8, #ARGV do without[ARGV[i]] = true end
          local ids = redis.call('ZRANGE', P .. 'workers', 0, -1)
          local answer = {'ASK'}
          for i = 1, #ids do
            local id = ids[(i + tonumber(ARGV[6])) % #ids + 1]
            local w = redis.call('HMGET', P .. 'worker:' .. id, 'incarnation', 'address')
            if w[1] and w[1] ~= me and not without[w[2]] then
              local have = redis.call('HGET', P .. 'held:' .. id .. ':' .. w[1], hex)
              if have and covers(have) then
                answer[#answer + 1] = w[2]
                if #answer > tonumber(ARGV[7]) then break end
              end
            end
          end
          if #answer > 1 then return answer end
          local owner = redis.call('GET', F)
          if owner and owner ~= me then return {'WAIT'} end
          redis.call('SET', F, me, 'PX', ttl)
          return {'READ'}
          """);

  private static final Script RENEW =
      Script.of(
          "shard-renew",
          LIB,
          """
          if redis.call('GET', F) ~= me then return 0 end
          redis.call('PEXPIRE', F, ttl)
          return 1
          """);

  private static final Script RELEASE =
      Script.of(
          "shard-release",
          LIB,
          """
          if redis.call('GET', F) == me then redis.call('DEL', F) end
          return 0
          """);

  private final JobRedis redis;

  /**
   * @param prefix of all keys, as that of the worker registry
   */
  public RedisShardClaims(RedisClient client, String prefix) {
    this.redis = new JobRedis(client, prefix);
  }

  @Override
  public Answer ask(
      String incarnation,
      Digest shard,
      List<ByteRange> runs,
      Collection<URI> without,
      Duration lease) {
    List<String> args = new ArrayList<>();
    args.add(Integer.toString(ThreadLocalRandom.current().nextInt(1 << 20)));
    args.add(Integer.toString(MAX_HOLDERS));
    without.forEach(address -> args.add(address.toString()));
    List<String> answer = new ArrayList<>();
    for (Response word : eval(ASK, incarnation, shard, runs, lease, args)) {
      answer.add(word.toString());
    }
    return new Answer(
        Advice.valueOf(answer.getFirst()), answer.stream().skip(1).map(URI::create).toList());
  }

  @Override
  public boolean renew(String incarnation, Digest shard, List<ByteRange> runs, Duration lease) {
    return eval(RENEW, incarnation, shard, runs, lease, List.of()).toInteger() == 1;
  }

  @Override
  public void release(String incarnation, Digest shard, List<ByteRange> runs) {
    eval(RELEASE, incarnation, shard, runs, Duration.ZERO, List.of());
  }

  private Response eval(
      Script script,
      String incarnation,
      Digest shard,
      List<ByteRange> runs,
      Duration lease,
      List<String> rest) {
    Worker.checkId(incarnation);
    String text =
        runs.stream().map(r -> r.offset() + ":" + r.end()).collect(Collectors.joining(","));
    List<String> args = new ArrayList<>();
    args.add(redis.prefix());
    args.add(incarnation);
    args.add(shard.hex());
    args.add(text);
    args.add(Long.toString(lease.toMillis()));
    args.addAll(rest);
    String what = Digest.sha256(text.getBytes(java.nio.charset.StandardCharsets.UTF_8)).shortHex();
    return redis.eval(script, redis.key("fill:" + shard.hex() + ":" + what), args);
  }
}
