package io.sluice.storage.hbase;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongConsumer;

/** Moves the cells of one object, several at once where its memory is not one thread's alone. */
final class CellTransfer {
  private CellTransfer() {}

  /**
   * Does something for each number from the first one to the one before the end. Returns when
   * nothing goes on any more.
   *
   * @param memory that the work reads or writes
   * @param parallelism at most so many at once
   * @param done told, by this thread and in their order, which of them are done
   * @throws RuntimeException the first one, by number, that the work threw
   */
  static void run(
      long first,
      long end,
      MemorySegment memory,
      int parallelism,
      LongConsumer work,
      LongConsumer done)
      throws InterruptedException {
    if (end - first < 2
        || parallelism < 2
        || !memory.isAccessibleBy(Thread.ofVirtual().unstarted(() -> {}))) {
      for (long number = first; number < end; number++) {
        work.accept(number);
        done.accept(number);
      }
      return;
    }
    AtomicBoolean failed = new AtomicBoolean();
    Semaphore permits = new Semaphore(parallelism);
    List<Future<Boolean>> moves = new ArrayList<>();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (long number = first; number < end; number++) {
        long one = number;
        moves.add(threads.submit(() -> move(one, permits, failed, work)));
      }
      RuntimeException failure = null;
      boolean whole = true;
      for (int i = 0; i < moves.size(); i++) {
        try {
          whole &= moves.get(i).get();
          if (whole) {
            done.accept(first + i);
          }
        } catch (ExecutionException | RuntimeException e) {
          failed.set(true);
          whole = false;
          RuntimeException cause = cause(e);
          failure = failure == null ? cause : failure;
        } catch (InterruptedException e) {
          failed.set(true);
          threads.shutdownNow();
          throw e;
        }
      }
      if (failure != null) {
        throw failure;
      }
    }
  }

  private static RuntimeException cause(Exception e) {
    if (e instanceof ExecutionException && e.getCause() instanceof RuntimeException inner) {
      return inner;
    }
    return e instanceof RuntimeException own ? own : new IllegalStateException(e.getCause());
  }

  /** Whether it was done; if another one failed, it need not be. */
  private static boolean move(
      long number, Semaphore permits, AtomicBoolean failed, LongConsumer work)
      throws InterruptedException {
    permits.acquire();
    try {
      if (failed.get()) {
        return false;
      }
      work.accept(number);
      return true;
    } catch (RuntimeException e) {
      failed.set(true);
      throw e;
    } finally {
      permits.release();
    }
  }
}
