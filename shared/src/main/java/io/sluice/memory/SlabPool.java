package io.sluice.memory;

import io.sluice.model.InvalidValueException;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * The memory that a worker may fill with model bytes, and the only owner of off-heap memory.
 *
 * <p>It reserves address space once and hands out slabs of it. A slab starts at a multiple of
 * {@link #GRANULE} (of 2 MiB if it has that many bytes) and takes a whole number of granules of the
 * budget: {@link #footprint}. A freed slab returns its memory to the system, unless the pool was
 * made to keep some. Where address space cannot be reserved, slabs come from the global arena and
 * are kept for reuse.
 *
 * <p>Thread-safe.
 */
public final class SlabPool implements AutoCloseable {
  /** Slabs take whole multiples of this; a multiple of the page size of every platform in use. */
  public static final long GRANULE = 64L << 10;

  /** Largest budget, far from what address spaces hold. */
  public static final long MAX_BUDGET = 1L << 44;

  private final long budget;
  private final Region region;
  private long used;
  private int slabs;
  private boolean closed;

  /**
   * A pool of the platform's memory.
   *
   * @param budgetBytes most bytes in use at a time, 0 to {@link #MAX_BUDGET}
   */
  public SlabPool(long budgetBytes) {
    this(budgetBytes, 0);
  }

  /**
   * A pool of the platform's memory that keeps some of it.
   *
   * @param budgetBytes most bytes in use at a time, 0 to {@link #MAX_BUDGET}
   * @param keepBytes most bytes of freed slabs that stay with the process for slabs of the same
   *     size, 0 to the budget
   */
  public SlabPool(long budgetBytes, long keepBytes) {
    this(check(budgetBytes), platformRegion(budgetBytes, checkKept(keepBytes, budgetBytes)));
  }

  SlabPool(long budgetBytes, Region region) {
    this.budget = budgetBytes;
    this.region = region;
  }

  private static long check(long budgetBytes) {
    if (budgetBytes < 0 || budgetBytes > MAX_BUDGET) {
      throw new InvalidValueException(
          "memory-budget-invalid",
          "a memory budget is 0 to " + MAX_BUDGET + " bytes, got " + budgetBytes);
    }
    return budgetBytes;
  }

  private static long checkKept(long keepBytes, long budgetBytes) {
    if (keepBytes < 0 || keepBytes > budgetBytes) {
      throw new InvalidValueException(
          "memory-kept-invalid",
          "a pool of " + budgetBytes + " bytes keeps 0 to as many, got " + keepBytes);
    }
    return keepBytes;
  }

  private static Region platformRegion(long budgetBytes, long keepBytes) {
    return VirtualMemory.ofPlatform()
        .flatMap(memory -> MappedRegion.reserve(memory, budgetBytes, keepBytes))
        .orElseGet(() -> new ArenaRegion(budgetBytes));
  }

  /** Bytes of the budget that a slab takes: {@code bytes} in whole granules. */
  public static long footprint(long bytes) {
    if (bytes < 0 || bytes > Long.MAX_VALUE - GRANULE) {
      throw new InvalidValueException(
          "slab-invalid",
          "a slab has 0 to " + (Long.MAX_VALUE - GRANULE) + " bytes, asked for " + bytes);
    }
    return Math.ceilDiv(bytes, GRANULE) * GRANULE;
  }

  /**
   * A new slab.
   *
   * @throws MemoryException if the budget does not hold it
   */
  public Slab allocate(long bytes) {
    long footprint = footprint(bytes);
    synchronized (this) {
      if (closed) {
        throw new IllegalStateException("the pool is closed");
      }
      if (footprint > budget - used) {
        throw exhausted(bytes);
      }
      used += footprint;
      slabs++;
    }
    Optional<Region.Block> block = Optional.empty();
    try {
      block =
          footprint == 0
              ? Optional.of(new Region.Block(MemorySegment.NULL, 0))
              : region.take(footprint);
    } finally {
      if (block.isEmpty()) {
        giveBack(footprint);
      }
    }
    return new Slab(this, block.orElseThrow(() -> exhausted(bytes)), bytes);
  }

  void free(Slab slab, Region.Block block) {
    if (block.length() > 0) {
      region.give(block);
    }
    giveBack(slab.footprint());
  }

  private synchronized void giveBack(long footprint) {
    used -= footprint;
    slabs--;
  }

  private synchronized MemoryException exhausted(long bytes) {
    return MemoryException.exhausted(bytes, budget - used, largestBlock(), budget);
  }

  /** Most bytes in use at a time. */
  public long budgetBytes() {
    return budget;
  }

  /** Bytes in use. */
  public synchronized long usedBytes() {
    return used;
  }

  /** Bytes left of the budget. */
  public synchronized long freeBytes() {
    return budget - used;
  }

  /** The largest slab that there is room for now. */
  public synchronized long largestBlock() {
    return Math.min((budget - used) / GRANULE * GRANULE, region.largestFree());
  }

  /**
   * Returns the address space to the system. Only for the owner of the pool, when no slab is in use
   * any more.
   *
   * @throws IllegalStateException if a slab is still in use
   */
  @Override
  public void close() {
    synchronized (this) {
      if (closed) {
        return;
      }
      if (slabs > 0) {
        throw new IllegalStateException(
            slabs + " slabs of " + used + " bytes are still in use; free them before the pool");
      }
      closed = true;
    }
    region.close();
  }
}
