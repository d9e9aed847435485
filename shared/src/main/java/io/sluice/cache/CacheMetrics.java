package io.sluice.cache;

/** Where the counters of caches go. Implementations are safe for many threads and do not throw. */
public interface CacheMetrics {
  /** How looking for a chunk ended. */
  enum Lookup {
    /** It was there and right. */
    HIT,
    /** It was not there. */
    MISS,
    /** It was there with a wrong CRC32C, and was dropped. */
    CORRUPT,
    /** The cache did not work. */
    ERROR,
    /** The cache was not asked, because it has not worked lately. */
    SKIPPED
  }

  /** How offering a chunk ended. */
  enum Fill {
    /** It is there now. */
    STORED,
    /** The cache has no use for it. */
    REFUSED,
    /** It was let go because too much was waiting already or it was in no memory any more. */
    DROPPED,
    /** The cache did not work. */
    ERROR,
    /** The cache was not asked, because it has not worked lately. */
    SKIPPED
  }

  /** Nobody counts. */
  CacheMetrics NONE =
      new CacheMetrics() {
        @Override
        public void looked(String tier, Lookup outcome, long bytes, long nanos) {}

        @Override
        public void filled(String tier, Fill outcome, long bytes) {}
      };

  /**
   * A chunk was looked for.
   *
   * @param tier name of the cache, or {@code memory} for what a worker held already
   * @param bytes of the chunk
   * @param nanos how long it took
   */
  void looked(String tier, Lookup outcome, long bytes, long nanos);

  /** A chunk of so many bytes was offered. */
  void filled(String tier, Fill outcome, long bytes);
}
