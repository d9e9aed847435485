package io.sluice.load;

import io.sluice.memory.SlabPool;
import io.sluice.model.ByteRange;
import io.sluice.model.ShardDescriptor;
import io.sluice.storage.ShardReader;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.LongConsumer;

/**
 * Reads chunks of shards in parallel straight into memory and verifies each one there, as it
 * arrives. One window bounds the requests in flight of the whole process; it shrinks while the
 * store throttles.
 *
 * <p>A request that fails on its way is repeated from where it was by the reader below; a chunk
 * whose CRC32C is wrong is read anew a few times, then the shard counts as corrupt.
 */
public final class ChunkReader {
  private final ShardReader reader;
  private final ReadSettings settings;
  private final Optional<SlabPool> spares;
  private final ReadMetrics metrics;
  private final RequestWindow window;
  private final ReadTimes times = new ReadTimes();

  /**
   * @param reader repeats what fails for a moment
   * @param spares where the memory of second requests comes from, if it has room; without it no
   *     request is made twice
   */
  public ChunkReader(
      ShardReader reader, ReadSettings settings, Optional<SlabPool> spares, ReadMetrics metrics) {
    this.reader = Objects.requireNonNull(reader, "reader");
    this.settings = Objects.requireNonNull(settings, "settings");
    this.spares = Objects.requireNonNull(spares, "spares");
    this.metrics = Objects.requireNonNull(metrics, "metrics");
    this.window = new RequestWindow(settings.parallelism(), metrics);
    metrics.window(settings.parallelism());
  }

  /**
   * A reader that makes one request for each chunk, and none twice.
   *
   * @param reader repeats what fails for a moment
   * @param parallelism requests in flight, at least 1
   * @param attempts how often a chunk with a wrong checksum is read before it is given up
   */
  public ChunkReader(ShardReader reader, int parallelism, int attempts) {
    this(
        reader,
        new ReadSettings(
            parallelism,
            attempts,
            1,
            ReadSettings.defaults().deadline(),
            0,
            ReadSettings.defaults().hedgeDelay()),
        Optional.empty(),
        ReadMetrics.NONE);
  }

  /**
   * Reads runs of whole chunks of a shard. When this returns or throws, nothing touches the targets
   * any more.
   *
   * @param targets memory for each run, of its length
   * @param progress told the bytes of each verified chunk, by many threads
   * @throws LoadException CORRUPT if the shard is not what the manifest says; TRANSIENT if it was
   *     replaced meanwhile, or came too slowly
   */
  public void read(
      ShardDescriptor shard,
      List<ByteRange> runs,
      List<MemorySegment> targets,
      LongConsumer progress)
      throws InterruptedException {
    new ShardRead(reader, window, settings, times, spares, metrics, shard, progress)
        .run(runs, targets);
  }
}
