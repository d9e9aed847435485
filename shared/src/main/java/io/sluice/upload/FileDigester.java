package io.sluice.upload;

import io.sluice.model.ByteRange;
import io.sluice.model.Digest;
import io.sluice.upload.UploadPlan.PlannedFile;
import java.lang.foreign.MemorySegment;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongConsumer;

/**
 * Reads a source file from front to back for its SHA-256, which only a sequential pass can give.
 * Only for uploads that ask for it.
 */
final class FileDigester {
  private FileDigester() {}

  /**
   * Makes the pass.
   *
   * @param source of at most {@link SkeletonReader#WIDTH} parts at a time
   * @param scratch memory of {@link SkeletonReader#SCRATCH} bytes to read into
   */
  static Digest digest(
      ReadAhead source, PlannedFile file, MemorySegment scratch, LongConsumer progress)
      throws InterruptedException {
    MessageDigest sha = Digest.hasher();
    List<ReadAhead.Part> parts = new ArrayList<>();
    for (long at = 0; at < file.layout().size(); at += SkeletonReader.BLOCK) {
      ByteRange range =
          new ByteRange(at, Math.min(SkeletonReader.BLOCK, file.layout().size() - at));
      int slot = parts.size() % SkeletonReader.WIDTH;
      MemorySegment target = scratch.asSlice(slot * SkeletonReader.BLOCK, range.length());
      parts.add(new ReadAhead.Part(file.layout().path(), file.etag(), range, target));
    }
    source.run(
        parts,
        (index, part) -> {
          sha.update(part.target().asByteBuffer());
          progress.accept(part.range().length());
        });
    return Digest.of(sha.digest());
  }
}
