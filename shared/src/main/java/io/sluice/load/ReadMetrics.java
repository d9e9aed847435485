package io.sluice.load;

/** Where the counters of reading go. Implementations are safe for many threads. */
public interface ReadMetrics {
  /** Counts nothing. */
  ReadMetrics NONE = new ReadMetrics() {};

  /** Chunks arrived and their checksums are right. */
  default void read(long bytes, long nanos) {}

  /** A request failed for the moment and is repeated. */
  default void retried(boolean throttled) {}

  /** A chunk had a wrong checksum and is read again. */
  default void reread() {}

  /** A slow request was made a second time. */
  default void hedged() {}

  /** The second request was the faster one. */
  default void hedgeWon() {}

  /** So many requests may be in flight from now on. */
  default void window(int requests) {}
}
