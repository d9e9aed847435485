package io.sluice.memory;

import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Blocks out of one reservation of address space. The memory of a block that is given back returns
 * to the system at once, but for a bounded part that is kept for blocks of the same length: the
 * system zeroes what it hands out, and a model is often loaded where one of its kind was before.
 */
final class MappedRegion implements Region {
  /** Size of a huge page on the platforms that have them by advice. */
  static final long HUGE_PAGE = 2L << 20;

  private final VirtualMemory memory;
  private final MemorySegment mapped;
  private final MemorySegment reserved;
  private final FreeBlocks free;
  private final long budget;
  private final long keep;
  private final Map<Long, Deque<Block>> kept = new HashMap<>();
  private long keptBytes;
  private long used;

  private MappedRegion(VirtualMemory memory, MemorySegment mapped, long budget, long keep) {
    this.budget = budget;
    this.keep = keep;
    this.memory = memory;
    this.mapped = mapped;
    long skip = Math.floorMod(-mapped.address(), HUGE_PAGE);
    this.reserved = mapped.asSlice(skip, mapped.byteSize() - HUGE_PAGE);
    this.free = new FreeBlocks(reserved.byteSize());
  }

  /**
   * Reserves address space for slabs of {@code bytes} in total: twice as much, so that gaps between
   * slabs do not matter, or just as much if the system grants no more.
   *
   * @param keep most bytes of freed blocks that keep their memory
   */
  static Optional<Region> reserve(VirtualMemory memory, long bytes, long keep) {
    long rounded = Math.ceilDiv(bytes, HUGE_PAGE) * HUGE_PAGE;
    return memory
        .reserve(2 * rounded + HUGE_PAGE)
        .or(() -> memory.reserve(rounded + HUGE_PAGE))
        .map(mapped -> new MappedRegion(memory, mapped, bytes, keep));
  }

  @Override
  public Optional<Block> take(long length) {
    long alignment = length >= HUGE_PAGE ? HUGE_PAGE : SlabPool.GRANULE;
    List<Block> cold = List.of();
    long offset;
    synchronized (free) {
      Block same = takeKept(length);
      if (same != null) {
        return Optional.of(same);
      }
      offset = free.take(length, alignment);
      if (offset < 0 || used + keptBytes + length > budget) {
        cold = takeAllKept();
      }
      used += offset < 0 ? 0 : length;
    }
    cold.forEach(this::discard);
    if (offset < 0) {
      synchronized (free) {
        offset = free.take(length, alignment);
        used += offset < 0 ? 0 : length;
      }
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

  private Block takeKept(long length) {
    Deque<Block> blocks = kept.get(length);
    if (blocks == null) {
      return null;
    }
    Block block = blocks.pop();
    if (blocks.isEmpty()) {
      kept.remove(length);
    }
    keptBytes -= length;
    used += length;
    return block;
  }

  private List<Block> takeAllKept() {
    List<Block> all = new ArrayList<>();
    kept.values().forEach(all::addAll);
    kept.clear();
    keptBytes = 0;
    return all;
  }

  @Override
  public void give(Block block) {
    synchronized (free) {
      used -= block.length();
      if (block.length() <= keep - keptBytes) {
        keptBytes += block.length();
        kept.computeIfAbsent(block.length(), l -> new ArrayDeque<>()).push(block);
        return;
      }
    }
    discard(block);
  }

  private void discard(Block block) {
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
      return kept.keySet().stream().mapToLong(Long::longValue).reduce(free.largest(), Math::max);
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
