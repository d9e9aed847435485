package io.sluice.storage;

import java.lang.foreign.MemorySegment;

/** Writes and deletes objects. Implementations are safe for many threads. */
public interface ShardWriter {
  /**
   * Stores an object unless its key is taken; atomic: readers see all of it or nothing, and of many
   * writers at once exactly one wins.
   *
   * <p>If an answer got lost and the write was sent again, a store cannot know by itself who wrote
   * what it now finds. Then objects of up to {@link StoredBytes#MAX_COMPARED} bytes are read back
   * and the answer is true exactly if they hold these bytes: a writer whose bytes tell it from
   * others has the exact truth, and writers of equal bytes may both hear true. Of a longer object
   * the answer is then false, though this call may have stored it: such objects are named by their
   * content, so that it makes no difference.
   *
   * @param key see {@link ObjectKeys}
   * @param bytes native or heap memory; may be read more than once, and is not kept
   * @return whether this call stored it; false if an object of that key was there already
   * @throws StorageException TRANSIENT if the outcome is unknown and the call may be repeated;
   *     CAPACITY if the store is full; INVALID if it takes no such key or size
   */
  boolean putIfAbsent(String key, MemorySegment bytes);

  /** Deletes an object; deleting what is not there is no error. */
  void delete(String key);
}
