package io.sluice.load;

import io.sluice.model.ByteRange;
import io.sluice.model.ChunkChecksums;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongConsumer;
import java.util.zip.CRC32C;

/**
 * Computes the CRC32C of the chunks of one request as their bytes arrive, while the caches of the
 * core still have them. Used by one thread at a time.
 */
final class ChunkVerifier {
  /** A chunk whose bytes are not what was stored. */
  record Wrong(int chunk, int crc) {}

  private final ChunkChecksums chunks;
  private final ChunkRequest request;
  private final LongConsumer verified;
  private final ByteBuffer bytes;
  private final CRC32C crc = new CRC32C();
  private final List<Wrong> wrong = new ArrayList<>(0);
  private int chunk;
  private long chunkEnd;
  private long done;

  /**
   * @param verified told the bytes of each chunk that is right
   */
  ChunkVerifier(ChunkChecksums chunks, ChunkRequest request, LongConsumer verified) {
    this.chunks = chunks;
    this.request = request;
    this.verified = verified;
    this.bytes = request.target().asByteBuffer();
    this.chunk = request.first();
    this.chunkEnd = end(chunk);
  }

  private long end(int index) {
    return chunks.range(index).end() - request.range().offset();
  }

  /** So many leading bytes of the request are in place. */
  void received(long bytesInPlace) {
    while (done < bytesInPlace) {
      long until = Math.min(bytesInPlace, chunkEnd);
      bytes.limit((int) until).position((int) done);
      crc.update(bytes);
      done = until;
      if (done == chunkEnd) {
        finishChunk();
      }
    }
  }

  private void finishChunk() {
    int actual = (int) crc.getValue();
    if (actual == chunks.crc(chunk)) {
      verified.accept(chunks.range(chunk).length());
    } else {
      wrong.add(new Wrong(chunk, actual));
    }
    crc.reset();
    chunk++;
    if (chunk < request.first() + request.count()) {
      chunkEnd = end(chunk);
    }
  }

  /** Leading bytes that are in place and were looked at: whoever reads on begins here. */
  long done() {
    return done;
  }

  /** The chunks that came wrong. */
  List<Wrong> wrong() {
    return wrong;
  }

  /** The CRC32C of a chunk that lies in memory. */
  static int crc(MemorySegment chunk) {
    CRC32C crc = new CRC32C();
    crc.update(chunk.asByteBuffer());
    return (int) crc.getValue();
  }

  /** The memory of a chunk of a request. */
  static MemorySegment memory(ChunkChecksums chunks, ChunkRequest request, int chunk) {
    ByteRange range = chunks.range(chunk);
    return request.target().asSlice(range.offset() - request.range().offset(), range.length());
  }
}
