package io.sluice.storage;

import java.lang.foreign.MemorySegment;

/** Writes and deletes objects. Implementations are safe for many threads. */
public interface ShardWriter {
  /**
   * Stores an object unless its key is taken; atomic: readers see all of it or nothing, and of many
   * writers at once exactly one wins.
   *
   * @return whether this call stored it; false if an object of that key was there already
   * @throws StorageException TRANSIENT if the outcome is unknown and the call may be repeated
   */
  boolean putIfAbsent(String key, MemorySegment bytes);

  /** Deletes an object; deleting what is not there is no error. */
  void delete(String key);
}
