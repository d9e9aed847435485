package io.sluice.load;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * How many requests may be in flight at once, for the whole process. A store that throttles halves
 * it; each time that a whole window of requests has succeeded since, one more is let in (additive
 * increase, multiplicative decrease, as in TCP: RFC 5681). Thread-safe.
 */
final class RequestWindow {
  /** Refusals of requests that were in flight together count once. */
  private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

  private final int max;
  private final ReadMetrics metrics;
  private final ReentrantLock lock = new ReentrantLock(true);
  private final Condition room = lock.newCondition();
  private int limit;
  private int used;
  private int succeeded;
  private long shrunk = System.nanoTime() - PAUSE_NANOS;

  RequestWindow(int max, ReadMetrics metrics) {
    this.max = max;
    this.limit = max;
    this.metrics = metrics;
  }

  /** Waits for a place, but not longer than this. */
  boolean acquire(long nanos) throws InterruptedException {
    long left = nanos;
    lock.lockInterruptibly();
    try {
      while (used >= limit) {
        if (left <= 0) {
          return false;
        }
        left = room.awaitNanos(left);
      }
      used++;
      return true;
    } finally {
      lock.unlock();
    }
  }

  /** Takes a place if nobody waits for one. */
  boolean tryAcquire() {
    lock.lock();
    try {
      if (used >= limit || lock.hasWaiters(room)) {
        return false;
      }
      used++;
      return true;
    } finally {
      lock.unlock();
    }
  }

  void release() {
    lock.lock();
    try {
      used--;
      room.signal();
    } finally {
      lock.unlock();
    }
  }

  /** A request succeeded at the first try. */
  void succeeded() {
    lock.lock();
    try {
      if (limit < max && ++succeeded >= limit) {
        succeeded = 0;
        limit++;
        room.signal();
        metrics.window(limit);
      }
    } finally {
      lock.unlock();
    }
  }

  /** The store asked for fewer requests. */
  void throttled() {
    lock.lock();
    try {
      long now = System.nanoTime();
      succeeded = 0;
      if (now - shrunk >= PAUSE_NANOS && limit > 1) {
        shrunk = now;
        limit = Math.max(1, limit / 2);
        metrics.window(limit);
      }
    } finally {
      lock.unlock();
    }
  }

  int limit() {
    lock.lock();
    try {
      return limit;
    } finally {
      lock.unlock();
    }
  }
}
