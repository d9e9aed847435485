package io.sluice.model;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Base64;

/**
 * The CRC32C (RFC 3720, Castagnoli) of every chunk of an object. Chunk {@code i} covers the bytes
 * from {@code i * chunkSize} on; the last one may be shorter.
 */
public final class ChunkChecksums {
  private final long size;
  private final int chunkSize;
  private final int[] crcs;

  /**
   * @param size bytes of the object
   * @param chunkSize bytes of a chunk, positive
   * @param crcs one CRC32C per chunk
   */
  public ChunkChecksums(long size, int chunkSize, int[] crcs) {
    if (crcs.length != count(size, chunkSize)) {
      throw new InvalidValueException(
          "checksums-invalid",
          "an object of "
              + size
              + " bytes in chunks of "
              + chunkSize
              + " has "
              + count(size, chunkSize)
              + " checksums, got "
              + crcs.length);
    }
    this.size = size;
    this.chunkSize = chunkSize;
    this.crcs = crcs.clone();
  }

  /** Reads what {@link #toBase64} wrote. */
  public static ChunkChecksums fromBase64(long size, int chunkSize, String base64) {
    long expected = 4L * count(size, chunkSize);
    byte[] bytes;
    try {
      bytes = Base64.getDecoder().decode(base64);
    } catch (IllegalArgumentException e) {
      throw new InvalidValueException("checksums-invalid", "chunk checksums are not base64");
    }
    if (bytes.length != expected) {
      throw new InvalidValueException(
          "checksums-invalid",
          "chunk checksums of an object of "
              + size
              + " bytes take "
              + expected
              + " bytes, got "
              + bytes.length);
    }
    int[] crcs = new int[bytes.length / 4];
    ByteBuffer.wrap(bytes).asIntBuffer().get(crcs);
    return new ChunkChecksums(size, chunkSize, crcs);
  }

  /** Number of chunks that {@code size} bytes take. */
  public static int count(long size, int chunkSize) {
    if (size < 0 || chunkSize <= 0) {
      throw new InvalidValueException(
          "checksums-invalid",
          "chunks need 0 <= size and 0 < chunk size, got " + size + " and " + chunkSize);
    }
    return Math.toIntExact(Math.ceilDiv(size, (long) chunkSize));
  }

  public long size() {
    return size;
  }

  public int chunkSize() {
    return chunkSize;
  }

  /** Number of chunks. */
  public int count() {
    return crcs.length;
  }

  /** CRC32C of chunk {@code index}. */
  public int crc(int index) {
    return crcs[index];
  }

  /** The bytes of chunk {@code index} in the object. */
  public ByteRange range(int index) {
    long offset = (long) index * chunkSize;
    return new ByteRange(offset, Math.min(chunkSize, size - offset));
  }

  /** Index of the chunk that holds the byte at {@code offset}. */
  public int indexOf(long offset) {
    return Math.toIntExact(offset / chunkSize);
  }

  /** The checksums as big-endian 32-bit words in base64. */
  public String toBase64() {
    ByteBuffer bytes = ByteBuffer.allocate(4 * crcs.length);
    bytes.asIntBuffer().put(crcs);
    return Base64.getEncoder().encodeToString(bytes.array());
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof ChunkChecksums that
        && size == that.size
        && chunkSize == that.chunkSize
        && Arrays.equals(crcs, that.crcs);
  }

  @Override
  public int hashCode() {
    return 31 * Long.hashCode(size) + Arrays.hashCode(crcs);
  }

  @Override
  public String toString() {
    return "ChunkChecksums[" + crcs.length + " of " + chunkSize + " bytes]";
  }
}
