package io.sluice.storage;

import io.sluice.model.ByteRange;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import java.util.Optional;

/**
 * Reads no faster than a bandwidth allows, all reads together. A read begins when the line is free
 * and ends no earlier than its bytes would have come over that line. Put it around the retries:
 * what is read again was not foreseen.
 */
public final class ThrottledShardReader implements ShardReader {
  private final ShardReader reader;
  private final Bandwidth bandwidth;
  private final Retrier.Clock clock;

  /**
   * @param bandwidth shared by all readers of a process whose network it is
   */
  public ThrottledShardReader(ShardReader reader, Bandwidth bandwidth) {
    this(reader, bandwidth, Retrier.Clock.SYSTEM);
  }

  ThrottledShardReader(ShardReader reader, Bandwidth bandwidth, Retrier.Clock clock) {
    this.reader = Objects.requireNonNull(reader, "reader");
    this.bandwidth = Objects.requireNonNull(bandwidth, "bandwidth");
    this.clock = clock;
  }

  @Override
  public ObjectInfo head(String key) {
    return reader.head(key);
  }

  /**
   * {@inheritDoc}
   *
   * <p>A thread that is interrupted while it waits for its turn gets a {@link
   * TransientStorageException} and stays interrupted.
   */
  @Override
  public void read(
      String key,
      Optional<String> etag,
      ByteRange range,
      MemorySegment target,
      ReadObserver observer) {
    Bandwidth.Slot slot = bandwidth.take(range.length(), clock.nanoTime());
    try {
      sleepUntil(slot.begin());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new TransientStorageException(
          key, 0, "interrupted before the read of " + range + " of object '" + key + "'", e);
    }
    reader.read(key, etag, range, target, observer);
    try {
      sleepUntil(slot.end());
    } catch (InterruptedException e) {
      // Every byte is in place: whoever is next to wait notices.
      Thread.currentThread().interrupt();
    }
  }

  private void sleepUntil(long time) throws InterruptedException {
    long left = time - clock.nanoTime();
    if (left > 0) {
      clock.sleep(left);
    }
  }
}
