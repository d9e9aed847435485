package io.sluice.memory;

import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * Blocks out of one reservation of address space. The memory of a block that is given back returns
 * to the system at once.
 */
final class MappedRegion implements Region {
  /** Size of a huge page on the platforms that have them by advice. */
  static final long HUGE_PAGE = 2L << 20;

  private final VirtualMemory memory;
  private final MemorySegment mapped;
  private final MemorySegment reserved;
  private final FreeBlocks free;

  private MappedRegion(VirtualMemory memory, MemorySegment mapped) {
    this.memory = memory;
    this.mapped = mapped;
    long skip = Math.floorMod(-mapped.address(), HUGE_PAGE);
    this.reserved = mapped.asSlice(skip, mapped.byteSize() - HUGE_PAGE);
    this.free = new FreeBlocks(reserved.byteSize());
  }

  /**
   * Reserves address space for slabs of {@code bytes} in total: twice as much, so that gaps between
   * slabs do not matter, or just as much if the system grants no more.
   */
  static Optional<Region> reserve(VirtualMemory memory, long bytes) {
    long rounded = Math.ceilDiv(bytes, HUGE_PAGE) * HUGE_PAGE;
    return memory
        .reserve(2 * rounded + HUGE_PAGE)
        .or(() -> memory.reserve(rounded + HUGE_PAGE))
        .map(mapped -> new MappedRegion(memory, mapped));
  }

  @Override
  public Optional<Block> take(long length) {
    long offset;
    synchronized (free) {
      offset = free.take(length, length >= HUGE_PAGE ? HUGE_PAGE : SlabPool.GRANULE);
    }
    if (offset < 0) {
      return Optional.empty();
    }
    MemorySegment segment = reserved.asSlice(offset, length);
    if (length >= HUGE_PAGE) {
      memory.wantHugePages(wholeHugePages(segment));
    }
    return Optional.of(new Block(segment, length));
  }

  @Override
  public void give(Block block) {
    if (block.length() >= HUGE_PAGE) {
      memory.wantSmallPages(wholeHugePages(block.segment()));
    }
    memory.discard(block.segment());
    synchronized (free) {
      free.give(block.segment().address() - reserved.address(), block.length());
    }
  }

  @Override
  public long largestFree() {
    synchronized (free) {
      return free.largest();
    }
  }

  @Override
  public void close() {
    memory.unmap(mapped);
  }

  /** The last, partial one would take memory that the slab was not charged for. */
  private static MemorySegment wholeHugePages(MemorySegment segment) {
    return segment.asSlice(0, segment.byteSize() / HUGE_PAGE * HUGE_PAGE);
  }
}
