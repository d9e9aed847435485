package io.sluice.memory;

import java.lang.foreign.MemorySegment;

/**
 * Off-heap memory of a worker, to be used by any thread until it is closed. Closing gives the
 * memory to others: nothing may touch the segment afterwards, and nothing checks that.
 */
public final class Slab implements AutoCloseable {
  private final SlabPool pool;
  private final Region.Block block;
  private final MemorySegment segment;
  private boolean closed;

  Slab(SlabPool pool, Region.Block block, long bytes) {
    this.pool = pool;
    this.block = block;
    this.segment = block.segment().asSlice(0, bytes);
  }

  /** Its bytes; of any value, not zeroed. */
  public MemorySegment segment() {
    return segment;
  }

  /** Bytes that were asked for. */
  public long bytes() {
    return segment.byteSize();
  }

  /** Bytes of the budget that it takes. */
  public long footprint() {
    return SlabPool.footprint(bytes());
  }

  /** Frees the memory; a second call does nothing. */
  @Override
  public void close() {
    synchronized (this) {
      if (closed) {
        return;
      }
      closed = true;
    }
    pool.free(this, block);
  }
}
