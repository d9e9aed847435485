package io.sluice.upload;

import io.sluice.model.ByteRange;
import io.sluice.model.ContentHasher;
import io.sluice.model.Crc32c;
import io.sluice.model.ShardDescriptor;
import io.sluice.upload.UploadPlan.PlannedFile;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.LongConsumer;

/** Reads the skeleton of a source file: the bytes between its tensors and nothing else. */
final class SkeletonReader {
  /** Reads on their way at a time. */
  static final int WIDTH = 4;

  /** Most bytes of a read. */
  static final long BLOCK = 2L << 20;

  /** Largest skeleton; headers and graphs are far smaller. */
  static final long MAX_SKELETON = 256L << 20;

  /** Memory for reads, besides that of the skeleton. */
  static final long SCRATCH = WIDTH * BLOCK;

  /** Tensors of up to so many bytes are read over: cheaper than a request of their own. */
  private static final long BRIDGE = 128L << 10;

  private SkeletonReader() {}

  /**
   * Gathers the skeleton.
   *
   * @param scratch memory of {@link #SCRATCH} bytes to read into
   * @param skeleton memory for the skeleton
   */
  static void read(
      ReadAhead source,
      PlannedFile file,
      MemorySegment scratch,
      MemorySegment skeleton,
      LongConsumer progress)
      throws InterruptedException {
    List<ByteRange> gaps = file.layout().skeletonRanges();
    List<ReadAhead.Part> parts = new ArrayList<>();
    for (ByteRange range : requests(gaps)) {
      MemorySegment target = scratch.asSlice(parts.size() % WIDTH * BLOCK, range.length());
      parts.add(new ReadAhead.Part(file.layout().path(), file.etag(), range, target));
    }
    long[] gathered = {0};
    int[] gap = {0};
    source.run(
        parts,
        (index, part) -> {
          ByteRange range = part.range();
          while (gap[0] < gaps.size() && gaps.get(gap[0]).offset() < range.end()) {
            ByteRange want = gaps.get(gap[0]);
            long from = Math.max(want.offset(), range.offset());
            long to = Math.min(want.end(), range.end());
            MemorySegment.copy(
                part.target(), from - range.offset(), skeleton, gathered[0], to - from);
            gathered[0] += to - from;
            progress.accept(to - from);
            if (to < want.end()) {
              break;
            }
            gap[0]++;
          }
        });
  }

  /** What is read at once: gaps with the small tensors between them, cut to blocks. */
  private static List<ByteRange> requests(List<ByteRange> gaps) {
    List<ByteRange> requests = new ArrayList<>();
    for (ByteRange gap : gaps) {
      for (long at = gap.offset(); at < gap.end(); ) {
        ByteRange last = requests.isEmpty() ? null : requests.getLast();
        boolean near = last != null && at - last.end() <= BRIDGE && at - last.offset() < BLOCK;
        long begin = near ? last.offset() : at;
        ByteRange request = ByteRange.between(begin, Math.min(gap.end(), begin + BLOCK));
        if (near) {
          requests.set(requests.size() - 1, request);
        } else {
          requests.add(request);
        }
        at = request.end();
      }
    }
    return requests;
  }

  /** The skeleton as an object; none if it has no bytes. */
  static Optional<ShardDescriptor> describe(MemorySegment skeleton, int chunkBytes) {
    if (skeleton.byteSize() == 0) {
      return Optional.empty();
    }
    ContentHasher hasher = new ContentHasher(skeleton.byteSize(), chunkBytes);
    hasher.update(skeleton);
    return Optional.of(hasher.finish());
  }

  /**
   * The runs that a skeleton consists of.
   *
   * @param index of the file
   */
  static List<SourceRun> runs(PlannedFile file, int index, MemorySegment skeleton) {
    List<SourceRun> runs = new ArrayList<>();
    long at = 0;
    for (ByteRange gap : file.layout().skeletonRanges()) {
      runs.add(new SourceRun(index, gap, Crc32c.of(skeleton.asSlice(at, gap.length()))));
      at += gap.length();
    }
    return runs;
  }
}
