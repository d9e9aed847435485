package io.sluice.storage;

import io.sluice.model.ByteRange;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Repeats what failed for the moment, and nothing else. A read goes on behind the bytes that are in
 * place already; if it moved by at least {@value #PROGRESS} bytes, the tries are counted anew.
 *
 * <p>A read that pins no etag may so be put together from two generations of an object, if somebody
 * replaced it in between: pin what can change.
 */
public class RetryingShardReader implements ShardReader {
  /** What a try must have read to count as progress: else a trickle could be retried for ever. */
  public static final long PROGRESS = 1 << 20;

  private final ShardReader reader;
  private final RetryPolicy policy;
  private final Retrier.Clock clock;

  public RetryingShardReader(ShardReader reader, RetryPolicy policy) {
    this(reader, policy, Retrier.Clock.SYSTEM);
  }

  RetryingShardReader(ShardReader reader, RetryPolicy policy, Retrier.Clock clock) {
    this.reader = Objects.requireNonNull(reader, "reader");
    this.policy = Objects.requireNonNull(policy, "policy");
    this.clock = clock;
  }

  @Override
  public ObjectInfo head(String key) {
    return retry(() -> reader.head(key));
  }

  @Override
  public void read(String key, Optional<String> etag, ByteRange range, MemorySegment target) {
    Retrier retrier = retrier();
    long done = 0;
    while (true) {
      try {
        reader.read(
            key,
            etag,
            ByteRange.between(range.offset() + done, range.end()),
            done == 0 ? target : target.asSlice(done));
        return;
      } catch (TransientStorageException e) {
        done += e.transferred();
        if (e.transferred() >= PROGRESS) {
          retrier.progressed();
        }
        if (done == range.length() && done > 0) {
          return;
        }
        retrier.failed(e, done);
      }
    }
  }

  final Retrier retrier() {
    return new Retrier(policy, clock);
  }

  final <T> T retry(Supplier<T> call) {
    Retrier retrier = retrier();
    while (true) {
      try {
        return call.get();
      } catch (TransientStorageException e) {
        retrier.failed(e, e.transferred());
      }
    }
  }
}
