package io.sluice.upload;

import io.sluice.model.ByteRange;
import io.sluice.model.ContentHasher;
import io.sluice.model.Digest;
import io.sluice.model.ShardDescriptor;
import io.sluice.storage.ShardReader;
import io.sluice.upload.UploadPlan.PlannedFile;
import java.lang.foreign.MemorySegment;
import java.security.MessageDigest;
import java.util.List;
import java.util.Optional;
import java.util.function.LongConsumer;

/**
 * Reads a source file from front to back once: its SHA-256, which only a sequential pass can give,
 * and its skeleton, gathered on the way.
 */
final class FileDigester {
  /** Bytes read at a time. */
  static final long BLOCK = 8L << 20;

  /** Largest skeleton; headers and graphs are far smaller. */
  static final long MAX_SKELETON = 256L << 20;

  private FileDigester() {}

  /**
   * What a pass over a file gave.
   *
   * @param digest SHA-256 of the file
   * @param skeleton what its skeleton is, if it has one
   */
  record Result(Digest digest, Optional<ShardDescriptor> skeleton) {}

  /**
   * Makes the pass.
   *
   * @param block memory of {@link #BLOCK} bytes to read into
   * @param skeleton memory for the skeleton
   */
  static Result digest(
      ShardReader reader,
      PlannedFile file,
      int chunkBytes,
      MemorySegment block,
      MemorySegment skeleton,
      LongConsumer progress) {
    MessageDigest sha = Digest.hasher();
    List<ByteRange> gaps = file.layout().skeletonRanges();
    int gap = 0;
    long gathered = 0;
    for (long at = 0; at < file.layout().size(); at += BLOCK) {
      ByteRange range = new ByteRange(at, Math.min(BLOCK, file.layout().size() - at));
      MemorySegment bytes = block.asSlice(0, range.length());
      reader.read(file.layout().path(), Optional.of(file.etag()), range, bytes);
      sha.update(bytes.asByteBuffer());
      progress.accept(range.length());
      while (gap < gaps.size() && gaps.get(gap).offset() < range.end()) {
        ByteRange want = gaps.get(gap);
        long from = Math.max(want.offset(), range.offset());
        long to = Math.min(want.end(), range.end());
        MemorySegment.copy(bytes, from - range.offset(), skeleton, gathered, to - from);
        gathered += to - from;
        if (to < want.end()) {
          break;
        }
        gap++;
      }
    }
    Optional<ShardDescriptor> descriptor = Optional.empty();
    if (gathered > 0) {
      ContentHasher hasher = new ContentHasher(gathered, chunkBytes);
      hasher.update(skeleton.asSlice(0, gathered));
      descriptor = Optional.of(hasher.finish());
    }
    return new Result(Digest.of(sha.digest()), descriptor);
  }
}
