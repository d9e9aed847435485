package io.sluice.placement;

import io.sluice.model.ByteRange;
import io.sluice.model.ChunkChecksums;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

/** Rounds byte ranges of a shard up to whole chunks, the unit that can be verified. */
public final class ChunkRuns {
  private ChunkRuns() {}

  /**
   * The fewest runs of whole chunks that cover the ranges; runs that touch become one.
   *
   * @return disjoint ranges in order, each starting at a chunk and ending at one or at the end
   */
  public static List<ByteRange> cover(ChunkChecksums chunks, Collection<ByteRange> wanted) {
    return cover(chunks, wanted, 0);
  }

  /**
   * The same, but runs with no more than {@code gap} bytes between them become one: reading those
   * takes less time than another request.
   */
  public static List<ByteRange> cover(
      ChunkChecksums chunks, Collection<ByteRange> wanted, long gap) {
    List<ByteRange> runs = new ArrayList<>();
    for (ByteRange range : wanted.stream().filter(r -> r.length() > 0).sorted().toList()) {
      long begin = chunks.range(chunks.indexOf(range.offset())).offset();
      long end = chunks.range(chunks.indexOf(range.end() - 1)).end();
      ByteRange last = runs.isEmpty() ? null : runs.getLast();
      if (last != null && begin - last.end() <= gap) {
        runs.set(runs.size() - 1, ByteRange.between(last.offset(), Math.max(last.end(), end)));
      } else {
        runs.add(ByteRange.between(begin, end));
      }
    }
    return runs;
  }

  /** The whole object as one run; none if it has no bytes. */
  public static List<ByteRange> whole(ChunkChecksums chunks) {
    return chunks.size() == 0 ? List.of() : List.of(new ByteRange(0, chunks.size()));
  }

  /** Bytes of all runs. */
  public static long bytes(Collection<ByteRange> runs) {
    return runs.stream().mapToLong(ByteRange::length).sum();
  }
}
