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
 * <p>The caller always works itself, and waits only for parts that have begun: a busy executor
 * slows a computation down and cannot block it.
 */
public final class Parallel {
  private static final Parallel NONE = new Parallel(Runnable::run, 1);

  private final Executor executor;
  private final int threads;

  private Parallel(Executor executor, int threads) {
    this.executor = executor;
    this.threads = threads;
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
    if (threads < 1) {
      throw new IllegalArgumentException("at least 1 thread, got " + threads);
    }
    return new Parallel(executor, threads);
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
    int helpers = Math.min(threads, parts) - 1;
    if (helpers < 1) {
      for (int i = 0; i < parts; i++) {
        part.accept(i);
      }
      return;
    }
    Run run = new Run(parts, part, helpers);
    for (int i = 0; i < helpers; i++) {
      try {
        executor.execute(run.helpers[i]);
      } catch (RejectedExecutionException e) {
        // An executor that is closed or full: the caller does the parts.
        break;
      }
    }
    run.work();
    run.await();
  }

  /** One call of {@link #run}. */
  private static final class Run {
    final int parts;
    final IntConsumer part;
    final Helper[] helpers;
    final AtomicInteger next = new AtomicInteger();
    final AtomicReference<Throwable> failure = new AtomicReference<>();

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
      }
    }

    void await() {
      boolean interrupted = false;
      for (Helper helper : helpers) {
        // A helper that has not begun is turned away, so that only those at work are waited for.
        if (!helper.begun.compareAndSet(0, 1)) {
          while (true) {
            try {
              helper.done.await();
              break;
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
