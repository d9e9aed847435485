package io.sluice.compute.product;

import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Rows of inputs that the tasks of a job have in common on this worker: read and decoded once, by
 * the task that needs them first. What fits the memory stays until the job is left; what does not
 * is read by each task for itself. Thread-safe.
 */
final class SharedInputs {
  private static final long MOST = 64L << 20;

  private final long limit;
  private final Map<Key, Part> parts = new HashMap<>();
  private long bytes;

  private record Key(String job, long firstRow) {}

  private static final class Part {
    final long bytes;
    final ReentrantLock reading = new ReentrantLock();
    float[] rows;

    Part(long bytes) {
      this.bytes = bytes;
    }
  }

  /** Reads rows. */
  @FunctionalInterface
  interface Reader {
    float[] read() throws InterruptedException;
  }

  /** Up to 64 MiB, and a sixteenth of the heap. */
  SharedInputs() {
    this(Math.min(MOST, Runtime.getRuntime().maxMemory() / 16));
  }

  /**
   * @param limit bytes of all rows together
   */
  SharedInputs(long limit) {
    this.limit = limit;
  }

  /**
   * Rows of the input of a job, which nobody may change. If reading them fails, the next task that
   * needs them tries it.
   *
   * @param firstRow what tells these rows from others of the same job
   * @param floats that they are
   */
  float[] rows(String job, long firstRow, int floats, Reader reader) throws InterruptedException {
    Part part = part(new Key(job, firstRow), (long) Float.BYTES * floats);
    if (part == null) {
      return reader.read();
    }
    part.reading.lockInterruptibly();
    try {
      if (part.rows == null) {
        part.rows = reader.read();
      }
      return part.rows;
    } finally {
      part.reading.unlock();
    }
  }

  /** Memory for rows, or null if there is no room for them. */
  private synchronized Part part(Key key, long size) {
    Part part = parts.get(key);
    if (part == null && size <= limit - bytes) {
      part = new Part(size);
      parts.put(key, part);
      bytes += size;
    }
    return part;
  }

  /** Lets go of the rows of a job. */
  synchronized void forget(String job) {
    Iterator<Map.Entry<Key, Part>> all = parts.entrySet().iterator();
    while (all.hasNext()) {
      Map.Entry<Key, Part> entry = all.next();
      if (entry.getKey().job().equals(job)) {
        bytes -= entry.getValue().bytes;
        all.remove();
      }
    }
  }

  /** Bytes of the rows that are kept. */
  synchronized long bytes() {
    return bytes;
  }
}
