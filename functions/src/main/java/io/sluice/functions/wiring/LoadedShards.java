package io.sluice.functions.wiring;

import io.sluice.compute.ShardAccess;
import io.sluice.load.OpenShard;
import io.sluice.load.ShardLoader;
import io.sluice.model.ByteRange;
import io.sluice.model.ShardDescriptor;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.function.LongConsumer;

/** Gives compute the shards that load brings into memory: the two do not know each other. */
final class LoadedShards implements ShardAccess {
  private final ShardLoader loader;

  LoadedShards(ShardLoader loader) {
    this.loader = loader;
  }

  @Override
  public Open open(ShardDescriptor shard, List<ByteRange> runs, LongConsumer progress)
      throws InterruptedException {
    OpenShard open = loader.open(shard, runs, progress);
    return new Open() {
      @Override
      public MemorySegment bytes(ByteRange range) {
        return open.bytes(range);
      }

      @Override
      public void close() {
        open.close();
      }
    };
  }
}
