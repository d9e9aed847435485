package io.sluice.load;

import io.sluice.model.ByteRange;
import io.sluice.model.ShardDescriptor;
import io.sluice.placement.ChunkRuns;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.LongConsumer;

/**
 * Where the loader has verified bytes of shards from: the store, with caches in front or without.
 */
@FunctionalInterface
public interface ShardSource {
  /** Name of the store among the sources of bytes. */
  String STORE = "store";

  /**
   * What was read.
   *
   * @param bytesBySource how many bytes came from where
   * @param held to be run once the bytes are held by this worker
   */
  record Reading(Map<String, Long> bytesBySource, Runnable held) {
    public Reading {
      bytesBySource = Map.copyOf(bytesBySource);
      Objects.requireNonNull(held, "held");
    }
  }

  /**
   * Reads runs of whole chunks of a shard and verifies each chunk. When this returns or throws,
   * nothing touches the targets any more.
   *
   * @param targets memory for each run, of its length
   * @param progress told the bytes of each verified chunk, by many threads
   */
  Reading read(
      ShardDescriptor shard,
      List<ByteRange> runs,
      List<MemorySegment> targets,
      LongConsumer progress)
      throws InterruptedException;

  /** The store alone. */
  static ShardSource of(ChunkReader store) {
    return (shard, runs, targets, progress) -> {
      store.read(shard, runs, targets, progress);
      return new Reading(Map.of(STORE, ChunkRuns.bytes(runs)), () -> {});
    };
  }
}
