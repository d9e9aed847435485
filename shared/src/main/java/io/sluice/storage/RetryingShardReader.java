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
 * <p>A read that pins no etag pins what its first answer was of, if the store tells, so that it is
 * not put together from two generations of an object.
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
  public void read(
      String key,
      Optional<String> etag,
      ByteRange range,
      MemorySegment target,
      ReadObserver observer) {
    Retrier retrier = retrier();
    Progress progress = new Progress(etag, observer);
    while (true) {
      long done = progress.done;
      try {
        reader.read(
            key,
            progress.etag,
            ByteRange.between(range.offset() + done, range.end()),
            done == 0 ? target : target.asSlice(done),
            progress);
        return;
      } catch (TransientStorageException e) {
        progress.advance(done + e.transferred());
        if (e.transferred() >= PROGRESS) {
          retrier.progressed();
        }
        if (progress.done == range.length() && progress.done > 0) {
          return;
        }
        observer.retrying(e);
        retrier.failed(e, progress.done);
      }
    }
  }

  /** What several tries of one read have in common: how far they came, and of which object. */
  private static final class Progress implements ReadObserver {
    private final ReadObserver observer;
    private Optional<String> etag;
    private long done;

    Progress(Optional<String> etag, ReadObserver observer) {
      this.etag = etag;
      this.observer = observer;
    }

    /** What the first answer is of, all others must be of. */
    @Override
    public void answered(String answered) {
      etag = etag.or(() -> Optional.of(answered));
      observer.answered(answered);
    }

    @Override
    public void received(long bytes) {
      observer.received(done + bytes);
    }

    void advance(long bytes) {
      if (bytes > done) {
        done = bytes;
        observer.received(done);
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
