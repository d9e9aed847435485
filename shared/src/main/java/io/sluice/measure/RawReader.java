package io.sluice.measure;

import io.sluice.measure.TransferSpec.Chunk;
import io.sluice.memory.Slab;
import io.sluice.memory.SlabPool;
import io.sluice.model.ByteRange;
import io.sluice.model.Keys;
import io.sluice.model.ShardDescriptor;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The ceiling of a load: the same ranges by raw sockets into the same kind of fresh memory, a
 * thread for each connection, nothing verified.
 */
public final class RawReader implements Subject {
  private final TransferSpec spec;
  private final List<URI> urls = new ArrayList<>();
  private final List<Chunk> chunks;
  private final List<RawConnection> connections = new ArrayList<>();
  private final SlabPool pool;
  private final ExecutorService threads;

  public RawReader(TransferSpec spec) {
    this.spec = spec;
    this.chunks = spec.chunks();
    PresignedUrls signed = new PresignedUrls(spec.access());
    for (ShardDescriptor shard : spec.shards()) {
      urls.add(signed.of("GET", Keys.shard(shard.digest())));
    }
    long footprint = spec.shards().stream().mapToLong(s -> SlabPool.footprint(s.size())).sum();
    this.pool = new SlabPool(footprint);
    this.threads = Executors.newFixedThreadPool(spec.connections());
  }

  @Override
  public Round round() throws Exception {
    connect();
    List<Slab> slabs = new ArrayList<>();
    try {
      return ProcessMeter.measure(
          () -> {
            for (ShardDescriptor shard : spec.shards()) {
              slabs.add(pool.allocate(shard.size()));
            }
            readAll(slabs);
            return new ProcessMeter.Transferred(spec.bytes(), chunks.size(), 0, spec.bytes());
          });
    } finally {
      slabs.forEach(Slab::close);
    }
  }

  private void readAll(List<Slab> slabs) throws Exception {
    AtomicInteger next = new AtomicInteger();
    List<Callable<Void>> readers = new ArrayList<>();
    for (RawConnection connection : connections) {
      readers.add(
          () -> {
            for (int i = next.getAndIncrement(); i < chunks.size(); i = next.getAndIncrement()) {
              Chunk chunk = chunks.get(i);
              ByteRange range = spec.shards().get(chunk.shard()).checksums().range(chunk.index());
              MemorySegment target = slabs.get(chunk.shard()).segment();
              connection.get(
                  urls.get(chunk.shard()),
                  range.offset(),
                  target.asSlice(range.offset(), range.length()));
            }
            return null;
          });
    }
    for (Future<Void> read : threads.invokeAll(readers)) {
      read.get();
    }
  }

  /** Fresh connections for each round: the server closes those that wait for the others. */
  private void connect() throws IOException {
    disconnect();
    for (int i = 0; i < spec.connections(); i++) {
      connections.add(RawConnection.open(urls.getFirst()));
    }
  }

  private void disconnect() throws IOException {
    for (RawConnection connection : connections) {
      connection.close();
    }
    connections.clear();
  }

  @Override
  public void close() throws IOException {
    threads.close();
    disconnect();
    pool.close();
  }
}
