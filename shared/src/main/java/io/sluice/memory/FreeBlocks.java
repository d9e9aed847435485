package io.sluice.memory;

import java.util.Comparator;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The free blocks of an address space {@code [0, length)}: best fit, neighbours are joined. All
 * operations take O(log n) for n free blocks, except {@link #take} when only alignment keeps the
 * larger ones from fitting. Not thread-safe.
 */
final class FreeBlocks {
  /** Blocks of fitting length that are looked at for alignment before a surely fitting one. */
  private static final int ALIGNMENT_TRIES = 8;

  private record Block(long offset, long length) {}

  private final TreeMap<Long, Long> lengthByOffset = new TreeMap<>();
  private final TreeSet<Block> byLength =
      new TreeSet<>(Comparator.comparingLong(Block::length).thenComparingLong(Block::offset));

  FreeBlocks(long length) {
    add(0, length);
  }

  /**
   * Takes {@code length} bytes at a multiple of {@code alignment}.
   *
   * @return their offset, or -1 if there is no such block
   */
  long take(long length, long alignment) {
    Block from = new Block(-1, length);
    int tries = 0;
    for (Block block : byLength.tailSet(from)) {
      if (fits(block, length, alignment)) {
        return cut(block, length, alignment);
      }
      if (++tries == ALIGNMENT_TRIES) {
        break;
      }
    }
    Block sure = byLength.ceiling(new Block(-1, length + alignment));
    if (sure != null) {
      return cut(sure, length, alignment);
    }
    for (Block block : byLength.tailSet(from)) {
      if (fits(block, length, alignment)) {
        return cut(block, length, alignment);
      }
    }
    return -1;
  }

  /** Makes the bytes free again. */
  void give(long offset, long length) {
    long begin = offset;
    long end = offset + length;
    Map.Entry<Long, Long> before = lengthByOffset.floorEntry(offset);
    Map.Entry<Long, Long> after = lengthByOffset.ceilingEntry(offset);
    if ((before != null && before.getKey() + before.getValue() > offset)
        || (after != null && after.getKey() < end)) {
      throw new IllegalStateException("block " + offset + " of " + length + " is free already");
    }
    if (before != null && before.getKey() + before.getValue() == offset) {
      begin = before.getKey();
      remove(begin, before.getValue());
    }
    if (after != null && after.getKey() == end) {
      end += after.getValue();
      remove(after.getKey(), after.getValue());
    }
    add(begin, end - begin);
  }

  long largest() {
    return byLength.isEmpty() ? 0 : byLength.last().length();
  }

  /** Number of free blocks; 1 when nothing is taken. */
  int count() {
    return byLength.size();
  }

  private static boolean fits(Block block, long length, long alignment) {
    return Math.ceilDiv(block.offset(), alignment) * alignment + length
        <= block.offset() + block.length();
  }

  private long cut(Block block, long length, long alignment) {
    long offset = Math.ceilDiv(block.offset(), alignment) * alignment;
    remove(block.offset(), block.length());
    add(block.offset(), offset - block.offset());
    add(offset + length, block.offset() + block.length() - offset - length);
    return offset;
  }

  private void add(long offset, long length) {
    if (length > 0) {
      lengthByOffset.put(offset, length);
      byLength.add(new Block(offset, length));
    }
  }

  private void remove(long offset, long length) {
    lengthByOffset.remove(offset);
    byLength.remove(new Block(offset, length));
  }
}
