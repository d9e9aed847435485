package io.sluice.memory;

import java.lang.foreign.MemorySegment;
import java.util.Optional;

/** Where slabs come from. Lengths are footprints: positive multiples of the granule. */
interface Region {
  /** A block of at least that length, if there is one. */
  Optional<Block> take(long length);

  /** Takes back a block that {@link #take} gave. */
  void give(Block block);

  /** The longest block that {@link #take} could give. */
  long largestFree();

  /** Returns everything to the platform where that is possible; no block is in use any more. */
  void close();

  /**
   * Memory in use.
   *
   * @param segment its bytes, accessible from every thread
   * @param length its length in the region, at least what was asked for
   */
  record Block(MemorySegment segment, long length) {}
}
