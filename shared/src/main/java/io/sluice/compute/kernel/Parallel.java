package io.sluice.compute.kernel;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.IntConsumer;

/**
 * Runs the parts of a computation on the caller's thread and on threads of an executor. Which
 * thread runs which part is left to chance; so a part must not depend on it.
 *
 * <p>A caller that works itself waits only for parts that have begun: a busy executor slows a
 * computation down and cannot block it.
 */
public final class Parallel {
  private static final Parallel NONE = new Parallel(Runnable::run, 1, true);

  private final Executor executor;
  private final int threads;
  private final boolean callerWorks;

  private Parallel(Executor executor, int threads, boolean callerWorks) {
    if (threads < 1) {
      throw new IllegalArgumentException("at least 1 thread, got " + threads);
    }
    this.executor = executor;
    this.threads = threads;
    this.callerWorks = callerWorks;
  }

  /** On the caller's thread alone. */
  public static Parallel none() {
    return NONE;
  }

  /**
   * On up to {@code threads} threads: the caller's and {@code threads - 1} of an executor, which
   * the caller owns.
   */
  public static Parallel on(Executor executor, int threads) {
    return new Parallel(executor, threads, true);
  }

  /**
   * On up to {@code threads} threads of an executor, while the caller waits: for callers on virtual
   * threads, which would keep other virtual threads from running for as long as they compute. If
   * the executor takes nothing, the caller works after all.
   */
  public static Parallel away(Executor executor, int threads) {
    return new Parallel(executor, threads, false);
  }

  /** Most threads at a time. */
  public int threads() {
    return threads;
  }

  /**
   * Runs each of the parts {@code 0 .. parts - 1} once and returns when all are done.
   *
   * @throws RuntimeException or an error that a part threw; other parts may then not have run
   */
  public void run(int parts, IntConsumer part) {
    int helpers = Math.min(threads, parts) - (callerWorks ? 1 : 0);
    if (helpers < 1) {
      for (int i = 0; i < parts; i++) {
        part.accept(i);
      }
      return;
    }
    Run run = new Run(parts, part, helpers);
    int taken = 0;
    try {
      for (; taken < helpers; taken++) {
        executor.execute(run.helpers[taken]);
      }
    } catch (RejectedExecutionException e) {
      // An executor that is closed or full: those before, or the caller, do the parts.
    }
    if (callerWorks || taken == 0) {
      run.work();
    }
    run.await();
  }

  /** One call of {@link #run}. */
  private static final class Run {
    final int parts;
    final IntConsumer part;
    final Helper[] helpers;
    final AtomicInteger next = new AtomicInteger();
    final AtomicReference<Throwable> failure = new AtomicReference<>();

    /** All parts have been taken. */
    final CountDownLatch exhausted = new CountDownLatch(1);

    Run(int parts, IntConsumer part, int helpers) {
      this.parts = parts;
      this.part = part;
      this.helpers = new Helper[helpers];
      for (int i = 0; i < helpers; i++) {
        this.helpers[i] = new Helper(this);
      }
    }

    void work() {
      try {
        for (int i = next.getAndIncrement(); i < parts; i = next.getAndIncrement()) {
          part.accept(i);
        }
      } catch (RuntimeException | Error e) {
        failure.compareAndSet(null, e);
        next.set(parts);
      } finally {
        exhausted.countDown();
      }
    }

    /**
     * Waits until somebody has found that all parts are taken. Helpers that have not begun are
     * turned away then, so that only those at work are waited for.
     */
    void await() {
      boolean interrupted = false;
      boolean waiting = true;
      while (waiting) {
        try {
          exhausted.await();
          waiting = false;
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
      for (Helper helper : helpers) {
        if (!helper.begun.compareAndSet(0, 1)) {
          boolean working = true;
          while (working) {
            try {
              helper.done.await();
              working = false;
            } catch (InterruptedException e) {
              interrupted = true;
            }
          }
        }
      }
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
      Throwable thrown = failure.get();
      if (thrown instanceof RuntimeException e) {
        throw e;
      }
      if (thrown instanceof Error e) {
        throw e;
      }
    }
  }

  private static final class Helper implements Runnable {
    final Run run;
    final AtomicInteger begun = new AtomicInteger();
    final CountDownLatch done = new CountDownLatch(1);

    Helper(Run run) {
      this.run = run;
    }

    @Override
    public void run() {
      if (begun.compareAndSet(0, 1)) {
        try {
          run.work();
        } finally {
          done.countDown();
        }
      }
    }
  }
}
