package io.sluice.cache;

import io.sluice.model.Digest;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jboss.logging.Logger;

/**
 * A cache that cannot do harm: what it gives is verified, what is wrong is dropped, what fails is
 * counted, logged once in a while and left alone for a while. Reads and writes are judged apart: a
 * disk that is full can still be read.
 */
public final class CacheTier implements AutoCloseable {
  private static final Logger LOG = Logger.getLogger(CacheTier.class);
  private static final long LOG_PAUSE = TimeUnit.SECONDS.toNanos(10);

  private final ChunkCache cache;
  private final CacheMetrics metrics;
  private final CircuitBreaker reads;
  private final CircuitBreaker writes;
  private final AtomicLong quietUntil = new AtomicLong(System.nanoTime());
  private final AtomicLong unlogged = new AtomicLong();

  public CacheTier(ChunkCache cache, CacheMetrics metrics) {
    this(cache, metrics, breaker(cache), breaker(cache));
  }

  private static CircuitBreaker breaker(ChunkCache cache) {
    return cache.guardsItself() ? CircuitBreaker.never() : CircuitBreaker.standard();
  }

  /** A tier with breakers of one's own. */
  public CacheTier(
      ChunkCache cache, CacheMetrics metrics, CircuitBreaker reads, CircuitBreaker writes) {
    this.cache = cache;
    this.metrics = metrics;
    this.reads = reads;
    this.writes = writes;
  }

  /** {@link ChunkCache#name}. */
  public String name() {
    return cache.name();
  }

  /** {@link ChunkCache#shared}. */
  public boolean shared() {
    return cache.shared();
  }

  /** {@link ChunkCache#fillable}. */
  public boolean fillable() {
    return cache.fillable();
  }

  /** {@link ChunkCache#mayHave}. */
  public boolean mayHave(Digest shard) {
    return cache.mayHave(shard);
  }

  /** Reads a chunk into the target; true if it is there and right. Does not throw. */
  public boolean get(ChunkKey key, MemorySegment target) {
    if (!reads.permits()) {
      metrics.looked(name(), CacheMetrics.Lookup.SKIPPED, key.length(), 0);
      return false;
    }
    long begin = System.nanoTime();
    CacheMetrics.Lookup outcome;
    try {
      if (!cache.get(key, target)) {
        outcome = CacheMetrics.Lookup.MISS;
      } else if (key.matches(target)) {
        outcome = CacheMetrics.Lookup.HIT;
      } else {
        outcome = CacheMetrics.Lookup.CORRUPT;
        warn("gave chunk " + key.text() + " with a wrong CRC32C, which is dropped");
        cache.remove(key);
      }
      reads.succeeded();
    } catch (RuntimeException e) {
      outcome = CacheMetrics.Lookup.ERROR;
      failed(reads, e);
    }
    metrics.looked(name(), outcome, key.length(), System.nanoTime() - begin);
    return outcome == CacheMetrics.Lookup.HIT;
  }

  /** Offers a verified chunk. Does not throw. */
  public void put(ChunkKey key, MemorySegment bytes) {
    if (!writes.permits()) {
      metrics.filled(name(), CacheMetrics.Fill.SKIPPED, key.length());
      return;
    }
    CacheMetrics.Fill outcome;
    try {
      outcome = cache.put(key, bytes) ? CacheMetrics.Fill.STORED : CacheMetrics.Fill.REFUSED;
      writes.succeeded();
    } catch (RuntimeException e) {
      outcome = CacheMetrics.Fill.ERROR;
      failed(writes, e);
    }
    metrics.filled(name(), outcome, key.length());
  }

  /** Counts a chunk that was let go before it could be offered. */
  public void dropped(ChunkKey key) {
    metrics.filled(name(), CacheMetrics.Fill.DROPPED, key.length());
  }

  private void failed(CircuitBreaker breaker, RuntimeException e) {
    if (Thread.currentThread().isInterrupted()) {
      // The caller gave up: that says nothing about the cache.
      breaker.succeeded();
      return;
    }
    breaker.failed();
    if (e instanceof CacheException) {
      warn("does not work: " + e.getMessage());
    } else {
      LOG.errorf(e, "cache '%s' failed", name());
    }
  }

  /** Once in a while: a cache that does not work does not fill the log. */
  private void warn(String what) {
    long now = System.nanoTime();
    long quiet = quietUntil.get();
    if (now - quiet >= 0 && quietUntil.compareAndSet(quiet, now + LOG_PAUSE)) {
      long before = unlogged.getAndSet(0);
      LOG.warnf(
          "cache '%s' %s%s",
          name(), what, before == 0 ? "" : " (and " + before + " more troubles before)");
    } else {
      unlogged.incrementAndGet();
    }
  }

  @Override
  public void close() {
    cache.close();
  }
}
