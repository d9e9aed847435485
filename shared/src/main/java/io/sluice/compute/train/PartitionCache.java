package io.sluice.compute.train;

import io.sluice.compute.ComputeException;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Rows that this worker has read and may need again in the next round: decoded, standardised and in
 * a bounded memory, the ones used longest ago given up first. Thread-safe.
 */
public final class PartitionCache {
  private final long limit;
  private final Map<String, Entry> entries = new LinkedHashMap<>(16, 0.75f, true);
  private final Map<String, Integer> used = new HashMap<>();
  private long bytes;

  private static final class Entry {
    final long bytes;
    Rows rows;

    Entry(long bytes) {
      this.bytes = bytes;
    }
  }

  /**
   * @param limit bytes of all rows together, those being read included
   */
  public PartitionCache(long limit) {
    this.limit = limit;
  }

  /** Reads the rows. */
  @FunctionalInterface
  interface Reader {
    Rows read() throws InterruptedException;
  }

  /** Rows on loan: they are not given up before this is closed. */
  final class Loan implements AutoCloseable {
    private final String key;
    private final Rows rows;

    private Loan(String key, Rows rows) {
      this.key = key;
      this.rows = rows;
    }

    Rows rows() {
      return rows;
    }

    @Override
    public void close() {
      giveBack(key);
    }
  }

  /**
   * The rows of a partition, from memory or from the reader; waits until there is room. One reader
   * of a key runs at a time.
   *
   * @param size bytes that reading takes at the most
   * @throws ComputeException of kind CAPACITY if that is more than there is at all
   */
  Loan borrow(String key, long size, Reader reader) throws InterruptedException {
    if (size > limit) {
      throw ComputeException.noRoom(
          "a partition takes "
              + size
              + " bytes of memory while it is read, a worker has "
              + limit
              + " for them (sluice.train.memory); ask for more partitions");
    }
    Entry entry;
    synchronized (this) {
      while (true) {
        entry = entries.get(key);
        if (entry != null && entry.rows != null) {
          used.merge(key, 1, Integer::sum);
          return new Loan(key, entry.rows);
        }
        if (entry == null && makeRoom(size)) {
          break;
        }
        wait();
      }
      entry = new Entry(size);
      entries.put(key, entry);
      used.put(key, 1);
      bytes += size;
    }
    Rows rows = null;
    try {
      rows = reader.read();
      return new Loan(key, rows);
    } finally {
      synchronized (this) {
        entries.remove(key);
        bytes -= size;
        if (rows == null) {
          used.remove(key);
        } else {
          Entry read = new Entry(Math.min(size, rows.bytes()));
          read.rows = rows;
          entries.put(key, read);
          bytes += read.bytes;
        }
        notifyAll();
      }
    }
  }

  /** Gives up what nobody uses until there is room; false if too much is in use. */
  private boolean makeRoom(long size) {
    Iterator<Map.Entry<String, Entry>> oldest = entries.entrySet().iterator();
    while (bytes + size > limit && oldest.hasNext()) {
      Map.Entry<String, Entry> candidate = oldest.next();
      if (!used.containsKey(candidate.getKey())) {
        bytes -= candidate.getValue().bytes;
        oldest.remove();
      }
    }
    return bytes + size <= limit;
  }

  private synchronized void giveBack(String key) {
    used.computeIfPresent(key, (k, n) -> n == 1 ? null : n - 1);
    notifyAll();
  }

  /** Bytes in use. */
  synchronized long bytes() {
    return bytes;
  }

  /** Forgets the rows of a job that is over. */
  synchronized void forget(String prefix) {
    Iterator<Map.Entry<String, Entry>> all = entries.entrySet().iterator();
    while (all.hasNext()) {
      Map.Entry<String, Entry> entry = all.next();
      if (entry.getKey().startsWith(prefix) && !used.containsKey(entry.getKey())) {
        bytes -= entry.getValue().bytes;
        all.remove();
      }
    }
    notifyAll();
  }
}
