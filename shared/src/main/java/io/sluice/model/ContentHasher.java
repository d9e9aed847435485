package io.sluice.model;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.util.zip.CRC32C;

/**
 * Computes the SHA-256 and the CRC32C of every chunk of an object in one pass over its bytes, which
 * may come in blocks of any size. Not thread-safe.
 */
public final class ContentHasher {
  /** Block that is hashed twice in a row, so that the second hash finds it in the cache. */
  private static final int BLOCK = 256 * 1024;

  private final long size;
  private final int chunkSize;
  private final int[] crcs;
  private final MessageDigest sha = Digest.hasher();
  private final CRC32C crc = new CRC32C();
  private long at;

  /**
   * @param size bytes that the object will have
   * @param chunkSize bytes of a chunk
   */
  public ContentHasher(long size, int chunkSize) {
    this.size = size;
    this.chunkSize = chunkSize;
    this.crcs = new int[ChunkChecksums.count(size, chunkSize)];
  }

  /**
   * Hashes the next bytes of the object.
   *
   * @return the CRC32C of just these bytes, which comes for free
   */
  public int update(MemorySegment bytes) {
    if (bytes.byteSize() > size - at) {
      throw new IllegalStateException(
          "an object of " + size + " bytes was given " + (at + bytes.byteSize()));
    }
    int whole = 0;
    long done = 0;
    while (done < bytes.byteSize()) {
      // A stretch lies in one chunk; checksums of more are joined from those of stretches.
      long stretch = Math.min(chunkSize - at % chunkSize, bytes.byteSize() - done);
      crc.reset();
      for (long end = done + stretch; done < end; ) {
        long length = Math.min(BLOCK, end - done);
        ByteBuffer block = bytes.asSlice(done, length).asByteBuffer();
        crc.update(block.duplicate());
        sha.update(block);
        done += length;
      }
      int chunk = Math.toIntExact(at / chunkSize);
      int value = (int) crc.getValue();
      crcs[chunk] = at % chunkSize == 0 ? value : Crc32c.combine(crcs[chunk], value, stretch);
      whole = done == stretch ? value : Crc32c.combine(whole, value, stretch);
      at += stretch;
    }
    return whole;
  }

  /**
   * The finished hashes.
   *
   * @throws IllegalStateException if fewer bytes than announced were hashed
   */
  public ShardDescriptor finish() {
    if (at != size) {
      throw new IllegalStateException("an object of " + size + " bytes was given only " + at);
    }
    return new ShardDescriptor(Digest.of(sha.digest()), new ChunkChecksums(size, chunkSize, crcs));
  }
}
