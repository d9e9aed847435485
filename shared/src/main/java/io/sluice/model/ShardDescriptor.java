package io.sluice.model;

import java.util.Objects;

/**
 * A stored object that is named by its content: a shard or a skeleton.
 *
 * @param digest SHA-256 of its bytes
 * @param checksums its size and the CRC32C of each of its chunks
 */
public record ShardDescriptor(Digest digest, ChunkChecksums checksums) {
  public ShardDescriptor {
    Objects.requireNonNull(digest, "digest");
    Objects.requireNonNull(checksums, "checksums");
  }

  /** Bytes of the object: sᵢ of S = Σ sᵢ. */
  public long size() {
    return checksums.size();
  }
}
