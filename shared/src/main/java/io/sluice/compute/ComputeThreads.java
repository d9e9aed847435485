package io.sluice.compute;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.FutureTask;

/**
 * The threads on which kernels run: as many as there are cores, whatever the number of tasks, so
 * that one task uses the whole machine if it is alone.
 */
public final class ComputeThreads implements AutoCloseable {
  private final int count;
  private final ExecutorService threads;

  /**
   * @param count kernels that run at once, at least 1
   */
  public ComputeThreads(int count) {
    if (count < 1) {
      throw new IllegalArgumentException("kernels need at least one thread, got " + count);
    }
    this.count = count;
    this.threads =
        Executors.newFixedThreadPool(
            count, Thread.ofPlatform().daemon().name("sluice-kernel-", 0).factory());
  }

  /** Kernels that run at once. */
  public int count() {
    return count;
  }

  /** The threads themselves. */
  public Executor executor() {
    return threads;
  }

  /**
   * Runs pieces of work and gives their results in the order of the pieces. When this returns or
   * throws, none of them runs any more, so memory that they read may be freed.
   *
   * @throws InterruptedException if the calling thread was interrupted; pieces that have not begun
   *     are left out then
   */
  public <T> List<T> run(List<? extends Callable<T>> pieces) throws InterruptedException {
    List<Piece<T>> tasks = new ArrayList<>();
    pieces.forEach(piece -> tasks.add(new Piece<>(piece)));
    try {
      tasks.forEach(threads::execute);
      List<T> results = new ArrayList<>();
      for (Piece<T> task : tasks) {
        results.add(task.get());
      }
      return results;
    } catch (ExecutionException e) {
      switch (e.getCause()) {
        case InterruptedException interrupted -> throw interrupted;
        case RuntimeException failure -> throw failure;
        case Error error -> throw error;
        default -> throw new IllegalStateException(e.getCause());
      }
    } finally {
      tasks.forEach(task -> task.cancel(false));
      tasks.forEach(Piece::awaitEnd);
    }
  }

  @Override
  public void close() {
    threads.shutdownNow();
  }

  /** A piece whose end can be waited for even after it was cancelled. */
  private static final class Piece<T> extends FutureTask<T> {
    private final Body<T> body;

    private Piece(Callable<T> work) {
      this(new Body<>(work));
    }

    private Piece(Body<T> body) {
      super(body);
      this.body = body;
    }

    void awaitEnd() {
      synchronized (body) {
        body.over = true; // whoever has not begun does not begin any more
        boolean interrupted = false;
        while (body.running) {
          try {
            body.wait();
          } catch (InterruptedException e) {
            interrupted = true;
          }
        }
        if (interrupted) {
          Thread.currentThread().interrupt();
        }
      }
    }
  }

  private static final class Body<T> implements Callable<T> {
    private final Callable<T> work;
    private boolean running;
    private boolean over;

    private Body(Callable<T> work) {
      this.work = work;
    }

    @Override
    public T call() throws Exception {
      synchronized (this) {
        if (over) {
          throw new CancellationException();
        }
        running = true;
      }
      try {
        return work.call();
      } finally {
        synchronized (this) {
          running = false;
          notifyAll();
        }
      }
    }
  }
}
