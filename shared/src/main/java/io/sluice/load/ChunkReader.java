package io.sluice.load;

import io.sluice.model.ByteRange;
import io.sluice.model.ChunkChecksums;
import io.sluice.model.ErrorKind;
import io.sluice.model.Keys;
import io.sluice.model.ShardDescriptor;
import io.sluice.storage.ShardReader;
import io.sluice.storage.StorageException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongConsumer;
import java.util.zip.CRC32C;

/**
 * Reads chunks of shards in parallel straight into memory and verifies each one there. One window
 * bounds the requests in flight of the whole process.
 *
 * <p>A request that fails on its way is repeated from where it was by the reader below; a chunk
 * whose CRC32C is wrong is read anew a few times, then the shard counts as corrupt.
 */
public final class ChunkReader {
  private final ShardReader reader;
  private final Semaphore window;
  private final int attempts;

  /**
   * @param reader repeats what fails for a moment
   * @param parallelism chunks in flight, at least 1
   * @param attempts how often a chunk with a wrong checksum is read before it is given up
   */
  public ChunkReader(ShardReader reader, int parallelism, int attempts) {
    this.reader = reader;
    this.window = new Semaphore(parallelism, true);
    this.attempts = attempts;
  }

  /**
   * Reads runs of whole chunks of a shard. When this returns or throws, nothing touches the targets
   * any more.
   *
   * @param targets memory for each run, of its length
   * @param progress told the bytes of each verified chunk, by many threads
   */
  public void read(
      ShardDescriptor shard,
      List<ByteRange> runs,
      List<MemorySegment> targets,
      LongConsumer progress)
      throws InterruptedException {
    ChunkChecksums chunks = shard.checksums();
    List<FutureTask<Void>> reads = new ArrayList<>();
    List<Thread> threads = new ArrayList<>();
    AtomicBoolean failed = new AtomicBoolean();
    try {
      for (int i = 0; i < runs.size(); i++) {
        ByteRange run = runs.get(i);
        for (long at = run.offset(); at < run.end(); ) {
          int chunk = chunks.indexOf(at);
          ByteRange range = chunks.range(chunk);
          MemorySegment target = targets.get(i).asSlice(at - run.offset(), range.length());
          window.acquire();
          start(() -> readChunk(shard, chunk, range, target, progress), reads, threads, failed);
          at = range.end();
          if (failed.get()) {
            throwFailure(reads);
          }
        }
      }
      for (FutureTask<Void> read : reads) {
        read.get();
      }
    } catch (ExecutionException e) {
      throw unchecked(e.getCause());
    } finally {
      reads.forEach(read -> read.cancel(true));
      joinAll(threads);
    }
  }

  private void start(
      Callable<Void> body,
      List<FutureTask<Void>> reads,
      List<Thread> threads,
      AtomicBoolean failed) {
    FutureTask<Void> read = new FutureTask<>(body);
    reads.add(read);
    threads.add(
        Thread.ofVirtual()
            .name("sluice-chunk")
            .start(
                () -> {
                  try {
                    read.run();
                    if (read.state() == Future.State.FAILED) {
                      failed.set(true);
                    }
                  } finally {
                    window.release();
                  }
                }));
  }

  private Void readChunk(
      ShardDescriptor shard,
      int chunk,
      ByteRange range,
      MemorySegment target,
      LongConsumer progress) {
    String key = Keys.shard(shard.digest());
    int expected = shard.checksums().crc(chunk);
    int actual = 0;
    for (int attempt = 1; attempt <= attempts; attempt++) {
      read(key, range, target);
      CRC32C crc = new CRC32C();
      crc.update(target.asByteBuffer());
      actual = (int) crc.getValue();
      if (actual == expected) {
        progress.accept(range.length());
        return null;
      }
    }
    throw new LoadException(
        ErrorKind.CORRUPT,
        "shard-corrupt",
        String.format(
            "chunk %d of shard '%s' at bytes %s has CRC32C %08x, the manifest says %08x",
            chunk, key, range, actual, expected));
  }

  /**
   * Reads from the store. The manifest says that the shard has these bytes: if it has not, that is
   * no mistake of whoever asked.
   */
  private void read(String key, ByteRange range, MemorySegment target) {
    try {
      reader.read(key, Optional.empty(), range, target);
    } catch (StorageException e) {
      switch (e.kind()) {
        case MISSING ->
            throw new LoadException(
                ErrorKind.CORRUPT,
                "shard-missing",
                "shard '" + key + "' is not in the store any more",
                e);
        case INVALID ->
            throw new LoadException(
                ErrorKind.CORRUPT,
                "shard-corrupt",
                "shard '" + key + "' is not as long as the manifest says: " + e.getMessage(),
                e);
        default -> throw e;
      }
    }
  }

  /** Throws what made one of the reads fail. */
  private static void throwFailure(List<FutureTask<Void>> reads)
      throws ExecutionException, InterruptedException {
    for (FutureTask<Void> read : reads) {
      if (read.isDone()) {
        read.get();
      }
    }
  }

  /** Waits for all threads even if this one is interrupted: they write into memory. */
  private static void joinAll(List<Thread> threads) {
    boolean interrupted = false;
    for (Thread thread : threads) {
      while (true) {
        try {
          thread.join();
          break;
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private static RuntimeException unchecked(Throwable cause) throws InterruptedException {
    if (cause instanceof InterruptedException interrupted) {
      throw interrupted;
    }
    if (cause instanceof CancellationException || cause instanceof RuntimeException) {
      return (RuntimeException) cause;
    }
    if (cause instanceof Error error) {
      throw error;
    }
    return new IllegalStateException(cause);
  }
}
