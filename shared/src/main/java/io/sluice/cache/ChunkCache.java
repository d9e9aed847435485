package io.sluice.cache;

import io.sluice.model.Digest;
import java.lang.foreign.MemorySegment;

/**
 * A place that may have chunks of shards: a folder, a server, other workers. It promises nothing:
 * what it gives is verified by whoever asks ({@link CacheTier}), what it was given may be gone, and
 * its errors are counted and never reach a load. Every cache passes the same contract kit.
 *
 * <p>Implementations are safe for many threads. Once a call has returned or thrown, it neither
 * reads nor writes the memory that it was given.
 */
public interface ChunkCache extends AutoCloseable {
  /** One word for metrics and answers, such as {@code disk}. */
  String name();

  /** Whether other workers see what is put here, so that one of them is enough to put it. */
  boolean shared();

  /** Whether it leaves parts of itself alone that do not work: then the others are still asked. */
  default boolean guardsItself() {
    return false;
  }

  /** Whether it makes sense to ask for chunks of this shard; costs nothing. */
  default boolean mayHave(Digest shard) {
    return true;
  }

  /** Whether it can be given chunks. */
  default boolean fillable() {
    return true;
  }

  /**
   * Reads a chunk into the first bytes of the target, which may be overwritten even if the chunk is
   * not there.
   *
   * @param target native or heap memory of at least the chunk's length
   * @return whether all bytes of it came; they are not verified
   * @throws CacheException if the cache does not work
   */
  boolean get(ChunkKey key, MemorySegment target);

  /**
   * Offers a verified chunk.
   *
   * @param bytes those of the chunk, read-only
   * @return whether the cache took it or had it; false if it has no use for it, as for a chunk that
   *     is larger than it may hold
   * @throws CacheException if the cache does not work
   */
  boolean put(ChunkKey key, MemorySegment bytes);

  /**
   * Drops a chunk that was found to be wrong; nothing happens if it is not there.
   *
   * @throws CacheException if the cache does not work
   */
  void remove(ChunkKey key);

  /** Frees connections and files; what is cached stays. */
  @Override
  void close();
}
