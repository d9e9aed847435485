package io.sluice.upload;

import io.sluice.memory.Slab;
import io.sluice.memory.SlabPool;
import io.sluice.model.ErrorKind;
import java.util.concurrent.Semaphore;

/**
 * Memory for shards on their way into the store: a bounded pool in which a request waits until
 * there is room. What an upload needs is bounded by it and not by the size of the model.
 */
public final class TransferMemory implements AutoCloseable {
  private static final long UNIT = 1L << 20;

  private final SlabPool pool;
  private final long bytes;
  private final Semaphore units;

  /**
   * @param bytes bound of all buffers together
   */
  public TransferMemory(long bytes) {
    this.bytes = bytes;
    // Twice the address space, so that fragments never keep a granted request from a slab.
    this.pool = new SlabPool(Math.multiplyExact(2, bytes));
    this.units = new Semaphore(Math.toIntExact(bytes / UNIT), true);
  }

  /** The bound: the largest buffer that can be had. */
  public long bytes() {
    return bytes;
  }

  /**
   * Waits for a buffer.
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
    int need = Math.toIntExact(Math.ceilDiv(size, UNIT));
    units.acquire(need);
    try {
      return new Buffer(pool.allocate(Math.max(size, 1)), need);
    } catch (RuntimeException | Error e) {
      units.release(need);
      throw e;
    }
  }

  @Override
  public void close() {
    pool.close();
  }

  /** A buffer on loan. */
  public final class Buffer implements AutoCloseable {
    private final Slab slab;
    private final int need;

    private Buffer(Slab slab, int need) {
      this.slab = slab;
      this.need = need;
    }

    /** The memory. */
    public Slab slab() {
      return slab;
    }

    @Override
    public void close() {
      slab.close();
      units.release(need);
    }
  }
}
