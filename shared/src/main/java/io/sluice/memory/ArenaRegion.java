package io.sluice.memory;

import java.lang.foreign.Arena;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Blocks from the global arena, for platforms without {@link VirtualMemory}. What was allocated
 * once is never returned to the system (closing a shared arena does not work in every native
 * executable), only kept and used again, so fragmentation can waste a part of the budget.
 */
final class ArenaRegion implements Region {
  private final long limit;
  private final TreeMap<Long, Deque<Block>> kept = new TreeMap<>();
  private long allocated;

  ArenaRegion(long limit) {
    this.limit = limit;
  }

  @Override
  public synchronized Optional<Block> take(long length) {
    Map.Entry<Long, Deque<Block>> fit = kept.ceilingEntry(length);
    boolean room = length <= limit - allocated;
    if (fit != null && (!room || fit.getKey() / 2 <= length)) {
      Block block = fit.getValue().pop();
      if (fit.getValue().isEmpty()) {
        kept.remove(fit.getKey());
      }
      return Optional.of(block);
    }
    if (!room) {
      return Optional.empty();
    }
    Block block = new Block(Arena.global().allocate(length, SlabPool.GRANULE), length);
    allocated += length;
    return Optional.of(block);
  }

  @Override
  public synchronized void give(Block block) {
    kept.computeIfAbsent(block.length(), l -> new ArrayDeque<>()).push(block);
  }

  @Override
  public synchronized long largestFree() {
    return Math.max(limit - allocated, kept.isEmpty() ? 0 : kept.lastKey());
  }

  @Override
  public void close() {
    // The global arena cannot be closed; its memory goes with the process.
  }
}
