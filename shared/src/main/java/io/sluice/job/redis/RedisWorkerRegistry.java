package io.sluice.job.redis;

import io.sluice.job.JobException;
import io.sluice.job.Worker;
import io.sluice.job.WorkerRegistry;
import io.sluice.model.Digest;
import io.sluice.redis.RedisClient;
import io.sluice.redis.Script;
import io.vertx.redis.client.Response;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Workers in Redis: {@code worker:<id>}, a hash that expires with the heartbeat, {@code workers}, a
 * sorted set of ids, and {@code held:<id>:<incarnation>}, a hash of hex digest to coverage with the
 * incarnation under the empty field, which tells a hash that was lost from one that is empty.
 */
public final class RedisWorkerRegistry implements WorkerRegistry {
  private static final int PAGE = 1_000;

  /** A worker that was silent for that long has lost its place, not its memory. */
  private static final Duration HELD_TTL = Duration.ofMinutes(10);

  private static final String LIB =
      """
      local P, id, inc, ttl, held_ttl = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
      local W = P .. 'worker:' .. id
      local function held(i) return P .. 'held:' .. id .. ':' .. i end
      local function put()
        redis.call('HSET', W, 'incarnation', inc, 'address', ARGV[6], 'started', ARGV[7],
          'budget', ARGV[8], 'free', ARGV[9], 'held', ARGV[10])
        redis.call('PEXPIRE', W, ttl)
        redis.call('ZADD', P .. 'workers', redis.call('TIME')[1], id)
        redis.call('HSET', held(inc), '', inc)
        redis.call('PEXPIRE', held(inc), held_ttl)
      end
      """;

  private static final Script REGISTER =
      Script.of(
          "register",
          LIB,
          """
          local old = redis.call('HGET', W, 'incarnation')
          if old then redis.call('DEL', held(old)) end
          redis.call('DEL', held(inc))
          put()
          return 0
          """);

  private static final Script HEARTBEAT =
      Script.of(
          "heartbeat",
          LIB,
          """
          local old = redis.call('HGET', W, 'incarnation')
          if old and old ~= inc then return 2 end
          local known = redis.call('HEXISTS', held(inc), '')
          put()
          return 1 - known
          """);

  private static final Script DEREGISTER =
      Script.of(
          "deregister",
          LIB,
          """
          redis.call('DEL', held(inc))
          if redis.call('HGET', W, 'incarnation') ~= inc then return 0 end
          redis.call('DEL', W)
          redis.call('ZREM', P .. 'workers', id)
          return 1
          """);

  /** Forgets ids that have been silent for a day. */
  private static final Script IDS =
      Script.of(
          "workers",
          """
          local now = redis.call('TIME')[1]
          redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - 86400)
          return redis.call('ZRANGE', KEYS[1], 0, -1)
          """);

  private final JobRedis redis;
  private final Duration ttl;

  /**
   * @param prefix of all keys, as that of the job store
   * @param ttl how long a worker is alive after its last heartbeat
   */
  public RedisWorkerRegistry(RedisClient client, String prefix, Duration ttl) {
    this.redis = new JobRedis(client, prefix);
    this.ttl = ttl;
    if (ttl.toMillis() < 1 || ttl.compareTo(HELD_TTL) > 0) {
      throw JobException.invalid(
          "worker-ttl-invalid",
          "workers live between 1 ms and " + HELD_TTL + " after a heartbeat, got " + ttl);
    }
  }

  @Override
  public void register(Worker worker) {
    eval(REGISTER, worker);
  }

  @Override
  public Beat heartbeat(Worker worker) {
    return switch (eval(HEARTBEAT, worker)) {
      case 0 -> Beat.KNOWN;
      case 1 -> Beat.FORGOTTEN;
      default -> Beat.REPLACED;
    };
  }

  @Override
  public void deregister(Worker worker) {
    eval(DEREGISTER, worker);
  }

  @Override
  public List<Worker> live() {
    List<String> ids = new ArrayList<>();
    for (Response id : redis.eval(IDS, redis.key("workers"), List.of())) {
      ids.add(id.toString());
    }
    ids.sort(null);
    List<Response> answers =
        redis.batch(
            ids.stream()
                .map(id -> RedisClient.Call.of("HGETALL", redis.key("worker:" + id)))
                .toList());
    List<Worker> workers = new ArrayList<>();
    for (int i = 0; i < ids.size(); i++) {
      Map<String, String> fields = JobRedis.fields(answers.get(i));
      if (fields.containsKey("incarnation")) {
        workers.add(worker(ids.get(i), fields));
      }
    }
    return workers;
  }

  private static Worker worker(String id, Map<String, String> fields) {
    return new Worker(
        id,
        fields.get("incarnation"),
        fields.get("address"),
        Instant.ofEpochMilli(Long.parseLong(fields.get("started"))),
        Long.parseLong(fields.get("budget")),
        Long.parseLong(fields.get("free")),
        Integer.parseInt(fields.get("held")));
  }

  @Override
  public void updateHeld(Worker worker, Map<Digest, String> put, Collection<Digest> remove) {
    String key = heldKey(worker);
    List<RedisClient.Call> calls = new ArrayList<>();
    List<String> args = new ArrayList<>();
    for (Digest shard : remove) {
      args.add(shard.hex());
      flush(calls, "HDEL", key, args, PAGE);
    }
    flush(calls, "HDEL", key, args, 1);
    for (Map.Entry<Digest, String> entry : put.entrySet()) {
      args.add(entry.getKey().hex());
      args.add(entry.getValue());
      flush(calls, "HSET", key, args, 2 * PAGE);
    }
    flush(calls, "HSET", key, args, 1);
    if (!calls.isEmpty()) {
      calls.add(RedisClient.Call.of("PEXPIRE", key, Long.toString(HELD_TTL.toMillis())));
      redis.batch(calls);
    }
  }

  @Override
  public Map<Digest, Map<String, String>> holders(Collection<Digest> shards) {
    if (shards.isEmpty()) {
      return Map.of();
    }
    List<Worker> workers = live();
    List<Response> sizes =
        redis.batch(
            workers.stream().map(worker -> RedisClient.Call.of("HLEN", heldKey(worker))).toList());
    Map<String, Digest> wanted = HashMap.newHashMap(shards.size());
    shards.forEach(shard -> wanted.put(shard.hex(), shard));
    List<String> hexes = List.copyOf(wanted.keySet());
    Map<Digest, Map<String, String>> holders = new HashMap<>();
    for (int w = 0; w < workers.size(); w++) {
      Worker worker = workers.get(w);
      // one field is no shard
      int size = sizes.get(w).toInteger() - 1;
      if (size <= 0) {
        continue;
      }
      Map<String, String> held =
          size <= hexes.size() ? allHeld(heldKey(worker)) : heldOf(heldKey(worker), hexes);
      held.forEach(
          (hex, coverage) -> {
            Digest shard = wanted.get(hex);
            if (shard != null) {
              holders.computeIfAbsent(shard, s -> new HashMap<>()).put(worker.id(), coverage);
            }
          });
    }
    return holders;
  }

  private Map<String, String> allHeld(String key) {
    return JobRedis.fields(redis.call("HGETALL", key));
  }

  private Map<String, String> heldOf(String key, List<String> hexes) {
    List<RedisClient.Call> calls = new ArrayList<>();
    for (int from = 0; from < hexes.size(); from += PAGE) {
      List<String> args = new ArrayList<>(1 + PAGE);
      args.add(key);
      args.addAll(hexes.subList(from, Math.min(hexes.size(), from + PAGE)));
      calls.add(new RedisClient.Call("HMGET", args));
    }
    Map<String, String> held = new HashMap<>();
    int next = 0;
    for (Response page : redis.batch(calls)) {
      for (Response coverage : page) {
        String hex = hexes.get(next++);
        if (coverage != null) {
          held.put(hex, coverage.toString());
        }
      }
    }
    return held;
  }

  private int eval(Script script, Worker worker) {
    return redis
        .eval(
            script,
            redis.key("worker:" + worker.id()),
            List.of(
                redis.prefix(),
                worker.id(),
                worker.incarnation(),
                Long.toString(ttl.toMillis()),
                Long.toString(HELD_TTL.toMillis()),
                worker.address(),
                Long.toString(worker.startedAt().toEpochMilli()),
                Long.toString(worker.budgetBytes()),
                Long.toString(worker.freeBytes()),
                Integer.toString(worker.heldShards())))
        .toInteger();
  }

  private String heldKey(Worker worker) {
    return redis.key("held:" + worker.id() + ":" + worker.incarnation());
  }

  private static void flush(
      List<RedisClient.Call> calls, String command, String key, List<String> args, int atLeast) {
    if (args.size() >= atLeast) {
      List<String> all = new ArrayList<>(1 + args.size());
      all.add(key);
      all.addAll(args);
      calls.add(new RedisClient.Call(command, all));
      args.clear();
    }
  }
}
