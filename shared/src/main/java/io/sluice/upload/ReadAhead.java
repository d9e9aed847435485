package io.sluice.upload;

import io.sluice.model.ByteRange;
import io.sluice.storage.ShardReader;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/**
 * Reads parts of a source a few at a time and hands them over in their order: while one is hashed,
 * the next ones are on their way.
 */
public final class ReadAhead {
  /**
   * Bytes to be read.
   *
   * @param path path of the file
   * @param etag pins its content
   * @param range where they lie in the file
   * @param target where they go; as long as the range
   */
  public record Part(String path, String etag, ByteRange range, MemorySegment target) {}

  /** Gets the parts. */
  @FunctionalInterface
  public interface Consumer {
    /** Called for each part in order, by the caller's thread. */
    void accept(int index, Part part);
  }

  private record Read(Thread thread, CompletableFuture<Void> outcome) {}

  private final ShardReader reader;
  private final int width;

  /**
   * @param width most parts that are being read or wait to be handed over; at least 1. A part may
   *     have the target of the one {@code width} parts before it.
   */
  public ReadAhead(ShardReader reader, int width) {
    this.reader = reader;
    this.width = width;
  }

  /**
   * Reads all parts. When this returns or throws, nothing writes to any target any more.
   *
   * @throws io.sluice.storage.StorageException that of the first part in order that failed
   */
  public void run(List<Part> parts, Consumer consumer) throws InterruptedException {
    Deque<Read> reads = new ArrayDeque<>(width);
    try {
      int next = 0;
      for (int i = 0; i < parts.size(); i++) {
        while (next < parts.size() && next < i + width) {
          reads.add(start(parts.get(next++)));
        }
        await(reads.peek());
        reads.remove();
        consumer.accept(i, parts.get(i));
      }
    } finally {
      end(reads);
    }
  }

  private Read start(Part part) {
    CompletableFuture<Void> outcome = new CompletableFuture<>();
    Thread thread =
        Thread.ofVirtual()
            .name("sluice-upload-read")
            .start(
                () -> {
                  try {
                    reader.read(part.path(), Optional.of(part.etag()), part.range(), part.target());
                    outcome.complete(null);
                  } catch (RuntimeException | Error e) {
                    outcome.completeExceptionally(e);
                  }
                });
    return new Read(thread, outcome);
  }

  private static void await(Read read) throws InterruptedException {
    read.thread().join();
    try {
      read.outcome().join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      throw e;
    }
  }

  private static void end(Deque<Read> reads) {
    boolean interrupted = false;
    reads.forEach(read -> read.thread().interrupt());
    for (Read read : reads) {
      while (true) {
        try {
          read.thread().join();
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
}
