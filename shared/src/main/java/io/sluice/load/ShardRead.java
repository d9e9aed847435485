package io.sluice.load;

import io.sluice.memory.MemoryException;
import io.sluice.memory.Slab;
import io.sluice.memory.SlabPool;
import io.sluice.model.ByteRange;
import io.sluice.model.ErrorKind;
import io.sluice.model.Keys;
import io.sluice.model.ShardDescriptor;
import io.sluice.storage.ReadObserver;
import io.sluice.storage.ShardReader;
import io.sluice.storage.StorageException;
import io.sluice.storage.TransientStorageException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongConsumer;

/**
 * One read of runs of a shard. The thread that called starts requests in threads of their own, as
 * the window lets it, takes their outcomes one by one, and watches over those that are slow.
 *
 * <p>All requests are of one generation of the object: the ETag of the first answer is asked for by
 * all later ones, and answers that are under way already are compared with it.
 *
 * <p>A request that is slower than the others when nothing else is left to begin is made a second
 * time, for what it has not brought yet, into spare memory. If the second one is faster, the first
 * one is ended, and only when its thread has ended are the bytes copied: no two write into one
 * place.
 */
final class ShardRead {
  private static final long TICK_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

  /** A request and its attempts. */
  private final class Slot {
    final ChunkRequest request;
    final ChunkVerifier verifier;
    final long begun = System.nanoTime();
    Attempt first;
    Attempt second;
    int restarts;
    boolean done;

    Slot(ChunkRequest request) {
      this.request = request;
      this.verifier = new ChunkVerifier(shard.checksums(), request, progress);
    }
  }

  /** One thread that reads the end of a request, from some byte on. */
  private final class Attempt implements Runnable, ReadObserver {
    final Slot slot;
    final long skip;
    final MemorySegment target;
    final Optional<Slab> spare;
    final long begun = System.nanoTime();
    Thread thread;
    boolean expired;
    boolean retried;
    Throwable failure;

    Attempt(Slot slot, long skip, Optional<Slab> spare) {
      this.slot = slot;
      this.skip = skip;
      this.spare = spare;
      this.target = spare.map(Slab::segment).orElseGet(() -> slot.request.target().asSlice(skip));
    }

    boolean isSecond() {
      return spare.isPresent();
    }

    @Override
    public void run() {
      try {
        ByteRange range = slot.request.range();
        reader.read(
            key,
            Optional.ofNullable(etag.get()),
            ByteRange.between(range.offset() + skip, range.end()),
            target,
            this);
        if (!isSecond()) {
          rereadWrong();
        }
        if (!retried) {
          window.succeeded();
        }
      } catch (Throwable e) {
        failure = e;
      } finally {
        window.release();
        ended.add(this);
      }
    }

    @Override
    public void answered(String given) {
      if (!etag.compareAndSet(null, given) && !etag.get().equals(given)) {
        throw StorageException.changed(key, null);
      }
    }

    @Override
    public void received(long bytes) {
      if (!isSecond()) {
        slot.verifier.received(skip + bytes);
        inPlace = skip + bytes;
      }
    }

    /** Written by this thread, read by the one that watches. */
    volatile long inPlace;

    @Override
    public void retrying(TransientStorageException e) {
      retried = true;
      metrics.retried(e.throttled());
      if (e.throttled()) {
        window.throttled();
      }
    }

    private void rereadWrong() {
      for (ChunkVerifier.Wrong wrong : slot.verifier.wrong()) {
        reread(slot.request, wrong);
      }
    }
  }

  private final ShardReader reader;
  private final RequestWindow window;
  private final ReadSettings settings;
  private final ReadTimes times;
  private final Optional<SlabPool> spares;
  private final ReadMetrics metrics;
  private final ShardDescriptor shard;
  private final LongConsumer progress;
  private final String key;

  private final AtomicReference<String> etag = new AtomicReference<>();
  private final BlockingQueue<Attempt> ended = new LinkedBlockingQueue<>();
  private final List<Slot> running = new ArrayList<>();
  private final List<Attempt> live = new ArrayList<>();
  private int hedges;

  ShardRead(
      ShardReader reader,
      RequestWindow window,
      ReadSettings settings,
      ReadTimes times,
      Optional<SlabPool> spares,
      ReadMetrics metrics,
      ShardDescriptor shard,
      LongConsumer progress) {
    this.reader = reader;
    this.window = window;
    this.settings = settings;
    this.times = times;
    this.spares = spares;
    this.metrics = metrics;
    this.shard = shard;
    this.progress = progress;
    this.key = Keys.shard(shard.digest());
  }

  void run(List<ByteRange> runs, List<MemorySegment> targets) throws InterruptedException {
    try {
      for (ChunkRequest request :
          ChunkRequest.of(shard.checksums(), runs, targets, settings.requestBytes())) {
        while (!window.acquire(TICK_NANOS)) {
          supervise(false);
        }
        Slot slot = new Slot(request);
        running.add(slot);
        slot.first = start(new Attempt(slot, 0, Optional.empty()));
        for (Attempt attempt = ended.poll(); attempt != null; attempt = ended.poll()) {
          take(attempt);
        }
      }
      while (!running.isEmpty()) {
        Attempt attempt = ended.poll(TICK_NANOS, TimeUnit.NANOSECONDS);
        if (attempt == null) {
          supervise(true);
        } else {
          take(attempt);
        }
      }
    } finally {
      endAll();
    }
  }

  private Attempt start(Attempt attempt) {
    live.add(attempt);
    attempt.thread = Thread.ofVirtual().name("sluice-read").start(attempt);
    return attempt;
  }

  /** What becomes of a request when one of its attempts has ended. */
  private void take(Attempt attempt) throws InterruptedException {
    live.remove(attempt);
    Slot slot = attempt.slot;
    try {
      if (slot.done) {
        return; // the other one was faster
      }
      if (attempt.isSecond()) {
        slot.second = null;
        if (attempt.failure == null) {
          takeOver(slot, attempt);
        } else if (slot.first == null) {
          throw translated(attempt.failure);
        }
      } else if (attempt.failure == null) {
        finish(slot);
      } else if (attempt.expired) {
        restart(slot);
      } else if (slot.second == null || !(attempt.failure instanceof TransientStorageException)) {
        throw translated(attempt.failure);
      } else {
        slot.first = null; // the second one may still bring it
      }
    } finally {
      attempt.spare.ifPresent(Slab::close);
    }
  }

  private void finish(Slot slot) {
    slot.done = true;
    running.remove(slot);
    long nanos = System.nanoTime() - slot.begun;
    times.add(nanos);
    metrics.read(slot.request.range().length(), nanos);
    if (slot.second != null) {
      slot.second.thread.interrupt();
    }
  }

  /** The second attempt was faster: what the first one had not brought is copied. */
  private void takeOver(Slot slot, Attempt second) throws InterruptedException {
    Attempt first = slot.first;
    if (first != null) {
      first.thread.interrupt();
      first.thread.join();
      if (first.failure == null) {
        return; // it made it after all, and its own end is in the queue
      }
    }
    long from = slot.verifier.done();
    MemorySegment missing = slot.request.target().asSlice(from);
    missing.copyFrom(second.target.asSlice(from - second.skip, missing.byteSize()));
    slot.verifier.received(slot.request.range().length());
    for (ChunkVerifier.Wrong wrong : slot.verifier.wrong()) {
      reread(slot.request, wrong);
    }
    metrics.hedgeWon();
    finish(slot);
  }

  private void restart(Slot slot) throws InterruptedException {
    slot.restarts++;
    if (slot.restarts >= settings.verifyAttempts()) {
      throw new LoadException(
          ErrorKind.TRANSIENT,
          "chunk-deadline",
          "bytes "
              + slot.request.range()
              + " of shard '"
              + key
              + "' did not come within "
              + settings.deadline()
              + ", "
              + slot.restarts
              + " times");
    }
    metrics.retried(false);
    while (!window.acquire(TICK_NANOS)) {
      supervise(false);
    }
    slot.first = start(new Attempt(slot, slot.verifier.done(), Optional.empty()));
  }

  /** Ends what takes too long, and makes what is slower than the rest a second time. */
  private void supervise(boolean last) {
    long now = System.nanoTime();
    for (Slot slot : running) {
      Attempt first = slot.first;
      if (first != null && now - first.begun > settings.deadline().toNanos()) {
        first.expired = true;
        first.thread.interrupt();
      }
    }
    if (!last || hedges >= settings.hedges()) {
      return;
    }
    long patience = Math.max(settings.hedgeDelay().toNanos(), times.slow());
    for (Slot slot : running) {
      if (slot.first != null && slot.second == null && now - slot.first.begun > patience) {
        hedge(slot);
        if (hedges >= settings.hedges()) {
          return;
        }
      }
    }
  }

  private void hedge(Slot slot) {
    long skip = slot.first.inPlace;
    long length = slot.request.range().length() - skip;
    if (length == 0 || spares.isEmpty() || !window.tryAcquire()) {
      return;
    }
    Slab spare;
    try {
      spare = spares.get().allocate(length);
    } catch (MemoryException e) {
      window.release();
      return; // no room for a second one: the first one is waited for
    }
    hedges++;
    metrics.hedged();
    slot.second = start(new Attempt(slot, skip, Optional.of(spare)));
  }

  private void reread(ChunkRequest request, ChunkVerifier.Wrong wrong) {
    ByteRange range = shard.checksums().range(wrong.chunk());
    MemorySegment target = ChunkVerifier.memory(shard.checksums(), request, wrong.chunk());
    int expected = shard.checksums().crc(wrong.chunk());
    int actual = wrong.crc();
    for (int attempt = 2; attempt <= settings.verifyAttempts(); attempt++) {
      metrics.reread();
      reader.read(key, Optional.ofNullable(etag.get()), range, target);
      actual = ChunkVerifier.crc(target);
      if (actual == expected) {
        progress.accept(range.length());
        return;
      }
    }
    throw new LoadException(
        ErrorKind.CORRUPT,
        "shard-corrupt",
        String.format(
            "chunk %d of shard '%s' at bytes %s has CRC32C %08x, the manifest says %08x",
            wrong.chunk(), key, range, actual, expected));
  }

  /** Nothing touches the targets any more when this returns, even if this thread is interrupted. */
  private void endAll() {
    live.forEach(attempt -> attempt.thread.interrupt());
    boolean interrupted = false;
    for (Attempt attempt : live) {
      while (true) {
        try {
          attempt.thread.join();
          break;
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
      attempt.spare.ifPresent(Slab::close);
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * What a failure of the store means here. The manifest says that the shard has these bytes: if it
   * has not, that is no mistake of whoever asked.
   */
  private RuntimeException translated(Throwable failure) {
    if (failure instanceof StorageException e) {
      return switch (e.kind()) {
        case MISSING ->
            new LoadException(
                ErrorKind.CORRUPT,
                "shard-missing",
                "shard '" + key + "' is not in the store any more",
                e);
        case INVALID ->
            new LoadException(
                ErrorKind.CORRUPT,
                "shard-corrupt",
                "shard '" + key + "' is not as long as the manifest says: " + e.getMessage(),
                e);
        case CONFLICT ->
            new LoadException(
                ErrorKind.TRANSIENT,
                "shard-replaced",
                "shard '" + key + "' was replaced while it was read",
                e);
        default -> e;
      };
    }
    if (failure instanceof RuntimeException e) {
      return e;
    }
    if (failure instanceof Error e) {
      throw e;
    }
    return new IllegalStateException(failure);
  }
}
