package io.sluice.cache;

import io.sluice.model.ByteRange;
import io.sluice.model.ChunkChecksums;
import io.sluice.model.Crc32c;
import io.sluice.model.Digest;
import io.sluice.model.InvalidValueException;
import io.sluice.model.ShardDescriptor;
import java.lang.foreign.MemorySegment;
import java.util.Objects;

/**
 * A chunk of a shard: content-addressed by the digest of the shard and the bytes in it, which say
 * the same as the index of the chunk, but also for shards that two manifests cut into chunks of
 * different sizes.
 *
 * @param shard digest of the shard
 * @param range bytes of the shard, 1 to 2^31 - 1 of them
 * @param crc their CRC32C as the manifest has it
 */
public record ChunkKey(Digest shard, ByteRange range, int crc) {
  public ChunkKey {
    Objects.requireNonNull(shard, "shard");
    if (range.length() < 1 || range.length() > Integer.MAX_VALUE) {
      throw new InvalidValueException(
          "chunk-invalid", "a chunk has 1 to 2^31 - 1 bytes, got " + range.length());
    }
  }

  /** Chunk {@code index} of a shard. */
  public static ChunkKey of(ShardDescriptor shard, int index) {
    ChunkChecksums chunks = shard.checksums();
    return new ChunkKey(shard.digest(), chunks.range(index), chunks.crc(index));
  }

  /** Number of bytes. */
  public int length() {
    return (int) range.length();
  }

  /** {@code <hex digits of the shard>-<offset>-<length>}, at most 95 characters. */
  public String text() {
    return shard.hex() + "-" + range.offset() + "-" + range.length();
  }

  /** Whether these are the bytes that the manifest means. */
  public boolean matches(MemorySegment bytes) {
    return Crc32c.of(bytes.asSlice(0, range.length())) == crc;
  }
}
