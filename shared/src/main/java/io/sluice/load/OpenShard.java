package io.sluice.load;

import io.sluice.model.ByteRange;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** Bytes of a shard in memory, open for reading until it is closed. */
public final class OpenShard implements AutoCloseable {
  private final List<ShardLoader.OpenRun> runs;
  private final ShardLoader.Loaded loaded;
  private final Runnable release;

  OpenShard(List<ShardLoader.OpenRun> runs, ShardLoader.Loaded loaded, Runnable release) {
    this.runs = List.copyOf(runs);
    this.loaded = loaded;
    this.release = release;
  }

  /**
   * The bytes of a range of the shard object, read-only.
   *
   * @throws IllegalArgumentException if the range was not opened
   */
  public MemorySegment bytes(ByteRange range) {
    for (ShardLoader.OpenRun run : runs) {
      if (run.range().contains(range)) {
        return run.view().segment().asSlice(range.offset() - run.range().offset(), range.length());
      }
    }
    throw new IllegalArgumentException("bytes " + range + " of the shard are not open");
  }

  /** What was loaded to open it. */
  public ShardLoader.Loaded loaded() {
    return loaded;
  }

  @Override
  public void close() {
    runs.forEach(run -> run.view().close());
    release.run();
  }
}
