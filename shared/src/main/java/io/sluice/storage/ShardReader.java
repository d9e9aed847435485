package io.sluice.storage;

import io.sluice.model.ByteRange;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/** Reads objects by key. Implementations are safe for many threads. */
public interface ShardReader {
  /**
   * Size, etag and age of an object.
   *
   * @param key see {@link ObjectKeys}
   * @throws StorageException of kind MISSING if there is no such object
   */
  ObjectInfo head(String key);

  /**
   * Reads exactly {@code range} of an object into the first bytes of {@code target}. Once the call
   * has returned or thrown, nothing is written into the target any more, so its memory may be
   * reused.
   *
   * @param key the object
   * @param etag if present, the object must still have this etag, else CONFLICT
   * @param range the bytes wanted; empty ranges read nothing and ask nobody
   * @param target native or heap memory of at least {@code range.length()} bytes
   * @param observer told by this thread, at the latest when all bytes are in place, as stores do
   *     that cannot tell earlier; of an empty range it may be told nothing. What it throws ends the
   *     read
   * @throws StorageException MISSING; INVALID if the range ends past the object or the target is
   *     too small; CONFLICT if the etag changed; TRANSIENT (a {@link TransientStorageException},
   *     which tells how many leading bytes are in place) if reading on may succeed
   */
  void read(
      String key,
      Optional<String> etag,
      ByteRange range,
      MemorySegment target,
      ReadObserver observer);

  /** Reads, and tells nobody how it goes on. */
  default void read(String key, Optional<String> etag, ByteRange range, MemorySegment target) {
    read(key, etag, range, target, ReadObserver.NONE);
  }
}
