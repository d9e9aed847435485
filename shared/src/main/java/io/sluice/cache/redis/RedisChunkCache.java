package io.sluice.cache.redis;

import io.sluice.cache.CacheException;
import io.sluice.cache.ChunkCache;
import io.sluice.cache.ChunkKey;
import io.sluice.redis.RedisClient;
import io.sluice.redis.RedisException;
import io.vertx.core.buffer.Buffer;
import io.vertx.redis.client.Response;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Semaphore;

/**
 * Hot chunks in a Redis that is a cache and nothing else: a server or logical database of its own,
 * bounded by {@code maxmemory} with an eviction policy, and by a time to live besides. A chunk lies
 * there in values of 1 MiB, the size that Redis and its clients move fastest; one that is evicted
 * makes the chunk a miss.
 *
 * <p>Values pass through the heap: calls at a time times 2 MiB bound what they take there.
 */
public final class RedisChunkCache implements ChunkCache {
  /** Bytes of a value. */
  static final int PIECE = 1 << 20;

  /** Values asked for at once by one call. */
  private static final int BATCH = 2;

  private final RedisClient redis;
  private final String prefix;
  private final String ttlMillis;
  private final Semaphore calls;

  /**
   * @param redis its own client, which is closed with the cache
   * @param prefix of all keys
   * @param ttl how long a value stays after it was put, at least 1 ms
   * @param parallelism chunks on their way at a time
   */
  public RedisChunkCache(RedisClient redis, String prefix, Duration ttl, int parallelism) {
    this.redis = redis;
    this.prefix = prefix;
    this.ttlMillis = Long.toString(ttl.toMillis());
    this.calls = new Semaphore(parallelism, true);
  }

  @Override
  public String name() {
    return "redis";
  }

  @Override
  public boolean shared() {
    return true;
  }

  @Override
  public boolean get(ChunkKey key, MemorySegment target) {
    return limited(
        () -> {
          int pieces = pieces(key);
          for (int from = 0; from < pieces; from += BATCH) {
            List<RedisClient.BinaryCall> gets = new ArrayList<>();
            for (int i = from; i < Math.min(pieces, from + BATCH); i++) {
              gets.add(RedisClient.BinaryCall.of("GET", name(key, i)));
            }
            int at = from;
            for (Response value : redis.batchBinary(gets)) {
              int length = length(key, at);
              if (value == null) {
                return false;
              }
              byte[] bytes = value.toBytes();
              if (bytes.length != length) {
                remove(key);
                return false;
              }
              MemorySegment.copy(
                  bytes, 0, target, ValueLayout.JAVA_BYTE, (long) at * PIECE, length);
              at++;
            }
          }
          return true;
        });
  }

  @Override
  public boolean put(ChunkKey key, MemorySegment bytes) {
    return limited(
        () -> {
          for (int i = 0; i < pieces(key); i++) {
            byte[] piece =
                bytes.asSlice((long) i * PIECE, length(key, i)).toArray(ValueLayout.JAVA_BYTE);
            redis.batchBinary(
                List.of(
                    RedisClient.BinaryCall.of(
                        "SET", name(key, i), Buffer.buffer(piece), "PX", ttlMillis)));
          }
          return true;
        });
  }

  @Override
  public void remove(ChunkKey key) {
    List<String> names = new ArrayList<>();
    for (int i = 0; i < pieces(key); i++) {
      names.add(name(key, i));
    }
    try {
      redis.call("UNLINK", names);
    } catch (RedisException e) {
      throw unavailable(e);
    }
  }

  @Override
  public void close() {
    redis.close();
  }

  private interface Work {
    boolean run();
  }

  private boolean limited(Work work) {
    try {
      calls.acquire();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw CacheException.unavailable("interrupted while waiting for Redis", e);
    }
    try {
      return work.run();
    } catch (RedisException e) {
      throw unavailable(e);
    } finally {
      calls.release();
    }
  }

  private static CacheException unavailable(RedisException e) {
    return CacheException.unavailable(e.getMessage(), e);
  }

  private static int pieces(ChunkKey key) {
    return Math.ceilDiv(key.length(), PIECE);
  }

  private static int length(ChunkKey key, int piece) {
    return Math.min(PIECE, key.length() - piece * PIECE);
  }

  private String name(ChunkKey key, int piece) {
    return prefix + key.text() + "-" + piece;
  }
}
