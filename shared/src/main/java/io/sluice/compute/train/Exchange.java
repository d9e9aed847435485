package io.sluice.compute.train;

import java.util.Collection;
import java.util.List;
import java.util.Optional;

/**
 * Where the tasks of a round leave bytes for each other and for the next round. What is written
 * under a key is always the same bytes, however often and by whomever, and is forgotten after a
 * while: only what is published lasts.
 */
public interface Exchange {
  /** Stores bytes under a key. */
  void put(String key, byte[] value);

  /** The bytes under a key; empty if they were never there or are forgotten. */
  Optional<byte[]> get(String key);

  /** Whether there are bytes under each of the keys. */
  boolean hasAll(List<String> keys);

  /** Forgets the bytes under these keys. */
  void remove(Collection<String> keys);
}
