package io.sluice.bench.peer;

import io.sluice.measure.ProcessMeter;
import io.sluice.measure.Round;
import io.sluice.measure.Subject;
import io.sluice.measure.TransferSpec;
import io.sluice.measure.TransferSpec.Chunk;
import io.sluice.memory.Slab;
import io.sluice.memory.SlabPool;
import io.sluice.model.ByteRange;
import io.sluice.model.Keys;
import io.sluice.model.ShardDescriptor;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import software.amazon.awssdk.services.s3.model.GetObjectRequest;

/**
 * A load by a client of the AWS SDK, used as well as it can be: the same ranges, as many at once,
 * straight into the same kind of memory, nothing verified.
 */
final class SdkReader implements Subject {
  /** Reads ranges into memory. */
  interface Client extends AutoCloseable {
    /** Reads every chunk, as many at once as the spec says. */
    void readAll(List<Range> ranges) throws Exception;

    @Override
    void close();
  }

  /** A range of an object and where it goes. */
  record Range(GetObjectRequest request, MemorySegment target) {}

  private final TransferSpec spec;
  private final Client client;
  private final SlabPool pool;

  SdkReader(TransferSpec spec, Client client) {
    this.spec = spec;
    this.client = client;
    this.pool =
        new SlabPool(spec.shards().stream().mapToLong(s -> SlabPool.footprint(s.size())).sum());
  }

  @Override
  public Round round() throws Exception {
    List<Slab> slabs = new ArrayList<>();
    try {
      return ProcessMeter.measure(
          () -> {
            for (ShardDescriptor shard : spec.shards()) {
              slabs.add(pool.allocate(shard.size()));
            }
            List<Range> ranges = ranges(slabs);
            client.readAll(ranges);
            return new ProcessMeter.Transferred(spec.bytes(), ranges.size(), 0, spec.bytes());
          });
    } finally {
      slabs.forEach(Slab::close);
    }
  }

  private List<Range> ranges(List<Slab> slabs) {
    List<Range> ranges = new ArrayList<>();
    for (Chunk chunk : spec.chunks()) {
      ShardDescriptor shard = spec.shards().get(chunk.shard());
      ByteRange range = shard.checksums().range(chunk.index());
      ranges.add(
          new Range(
              GetObjectRequest.builder()
                  .bucket(spec.access().bucket())
                  .key(spec.access().prefix() + Keys.shard(shard.digest()))
                  .range("bytes=" + range.offset() + "-" + (range.end() - 1))
                  .build(),
              slabs.get(chunk.shard()).segment().asSlice(range.offset(), range.length())));
    }
    return ranges;
  }

  @Override
  public void close() throws IOException {
    client.close();
    pool.close();
  }
}
