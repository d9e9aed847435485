package io.sluice.compute;

import io.sluice.model.ByteRange;
import io.sluice.model.ShardDescriptor;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.function.LongConsumer;

/** How compute gets at the bytes of a shard: those in memory, or loaded for the moment. */
@FunctionalInterface
public interface ShardAccess {
  /**
   * Opens runs of a shard, loading what is not in memory.
   *
   * @param runs whole chunks
   * @param progress told the bytes as they become available
   */
  Open open(ShardDescriptor shard, List<ByteRange> runs, LongConsumer progress)
      throws InterruptedException;

  /** Bytes that stay where they are until this is closed. */
  interface Open extends AutoCloseable {
    /** The bytes of a range of the shard object that lies in one of the runs, read-only. */
    MemorySegment bytes(ByteRange range);

    @Override
    void close();
  }
}
