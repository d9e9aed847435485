package io.sluice.load;

import io.sluice.model.ByteRange;
import io.sluice.model.ChunkChecksums;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * What one request reads: whole neighbouring chunks.
 *
 * @param first index of the first chunk
 * @param count number of chunks
 * @param range their bytes in the object
 * @param target memory for them, of that length
 */
record ChunkRequest(int first, int count, ByteRange range, MemorySegment target) {
  /**
   * Divides runs of whole chunks into requests of at most {@code bytes} (or one chunk), those of a
   * run equal to within a chunk.
   */
  static List<ChunkRequest> of(
      ChunkChecksums chunks, List<ByteRange> runs, List<MemorySegment> targets, long bytes) {
    long most = Math.max(1, bytes / chunks.chunkSize());
    List<ChunkRequest> requests = new ArrayList<>();
    for (int i = 0; i < runs.size(); i++) {
      ByteRange run = runs.get(i);
      if (run.length() == 0) {
        continue;
      }
      int begin = chunks.indexOf(run.offset());
      long size = chunks.indexOf(run.end() - 1) + 1L - begin;
      long parts = Math.ceilDiv(size, most);
      for (long part = 0; part < parts; part++) {
        int first = begin + (int) (part * size / parts);
        int end = begin + (int) ((part + 1) * size / parts);
        ByteRange range =
            ByteRange.between(chunks.range(first).offset(), chunks.range(end - 1).end());
        requests.add(
            new ChunkRequest(
                first,
                end - first,
                range,
                targets.get(i).asSlice(range.offset() - run.offset(), range.length())));
      }
    }
    return requests;
  }
}
