package io.sluice.upload;

import io.sluice.memory.Slab;
import io.sluice.memory.SlabPool;
import io.sluice.model.ErrorKind;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.Comparator;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Memory for shards on their way into the store: a bounded pool in which a request waits until
 * there is room. What an upload needs is bounded by it and not by the size of the model.
 *
 * <p>Buffers that came back are kept as they are for the next ones: new pages cost as much as
 * sending them. When none was in use for {@link #LINGER}, all memory goes back to the system.
 */
public final class TransferMemory implements AutoCloseable {
  /** How long memory is kept that nobody uses. */
  static final Duration LINGER = Duration.ofSeconds(2);

  private static final long UNIT = 1L << 20;

  private final SlabPool pool;
  private final long bytes;
  private final Semaphore turn = new Semaphore(1, true);
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition returned = lock.newCondition();
  private final Set<Slab> idle = new HashSet<>();
  private long used;
  private long kept;
  private long loans;
  private boolean sweeping;

  /**
   * @param bytes bound of all buffers together
   */
  public TransferMemory(long bytes) {
    this.bytes = bytes;
    // Twice the address space, so that fragments never keep a granted request from a slab.
    this.pool = new SlabPool(Math.multiplyExact(2, bytes));
  }

  /** The bound: the largest buffer that can be had. */
  public long bytes() {
    return bytes;
  }

  /**
   * Waits for a buffer; who waited longest is served first.
   *
   * @throws UploadException of kind CAPACITY if it exceeds the bound
   */
  public Buffer acquire(long size) throws InterruptedException {
    if (size > bytes) {
      throw new UploadException(
          ErrorKind.CAPACITY,
          "upload-memory-too-small",
          "a shard of " + size + " bytes does not fit the upload memory of " + bytes + " bytes");
    }
    long whole = Math.min(bytes, Math.max(1, Math.ceilDiv(size, UNIT)) * UNIT);
    turn.acquire();
    try {
      lock.lockInterruptibly();
      try {
        while (true) {
          Optional<Slab> fitting = fitting(whole);
          if (fitting.isPresent() || used + whole <= bytes) {
            return new Buffer(fitting.isPresent() ? take(fitting.get()) : allocate(whole), size);
          }
          returned.await();
        }
      } finally {
        lock.unlock();
      }
    } finally {
      turn.release();
    }
  }

  /** Bytes that are held from the system, in use or not. */
  long heldBytes() {
    lock.lock();
    try {
      return used + kept;
    } finally {
      lock.unlock();
    }
  }

  /** Only when no buffer is in use any more. */
  @Override
  public void close() {
    lock.lock();
    try {
      releaseIdle();
      pool.close();
    } finally {
      lock.unlock();
    }
  }

  /** The smallest idle slab that is large enough and wastes at most a third of itself. */
  private Optional<Slab> fitting(long size) {
    return idle.stream()
        .filter(slab -> slab.bytes() >= size && slab.bytes() <= size + size / 2)
        .min(Comparator.comparingLong(Slab::bytes));
  }

  private Slab take(Slab slab) {
    idle.remove(slab);
    kept -= slab.bytes();
    used += slab.bytes();
    loans++;
    return slab;
  }

  private Slab allocate(long size) {
    while (used + kept + size > bytes) {
      Slab victim = idle.iterator().next();
      idle.remove(victim);
      kept -= victim.bytes();
      victim.close();
    }
    Slab slab = pool.allocate(size);
    used += size;
    loans++;
    return slab;
  }

  private void giveBack(Slab slab) {
    lock.lock();
    try {
      used -= slab.bytes();
      kept += slab.bytes();
      idle.add(slab);
      if (used == 0 && !sweeping) {
        sweeping = true;
        Thread.ofVirtual().name("sluice-upload-memory").start(this::sweep);
      }
      returned.signal();
    } finally {
      lock.unlock();
    }
  }

  /** Waits until nothing was used for a while, then gives the memory back. */
  private void sweep() {
    while (true) {
      long before = loans();
      try {
        Thread.sleep(LINGER);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt(); // nobody does; then the memory goes back at once
      }
      lock.lock();
      try {
        boolean quiet = used == 0 && loans == before;
        if (quiet || Thread.currentThread().isInterrupted()) {
          releaseIdle();
          sweeping = false;
          return;
        }
        if (used > 0) {
          sweeping = false; // whoever gives back the last buffer starts it again
          return;
        }
      } finally {
        lock.unlock();
      }
    }
  }

  private long loans() {
    lock.lock();
    try {
      return loans;
    } finally {
      lock.unlock();
    }
  }

  private void releaseIdle() {
    idle.forEach(Slab::close);
    idle.clear();
    kept = 0;
  }

  /** A buffer on loan. */
  public final class Buffer implements AutoCloseable {
    private final Slab slab;
    private final long size;
    private boolean closed;

    private Buffer(Slab slab, long size) {
      this.slab = slab;
      this.size = size;
    }

    /** As many bytes as were asked for, of any value. */
    public MemorySegment segment() {
      return slab.segment().asSlice(0, size);
    }

    /** Gives the memory to others; a second call does nothing. */
    @Override
    public void close() {
      if (!closed) {
        closed = true;
        giveBack(slab);
      }
    }
  }
}
