package io.sluice.load;

import io.sluice.model.Digest;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Owners of shards that are loaded for a moment only: digests that no manifest can be guessed by.
 */
final class Borrowers {
  private static final AtomicLong NEXT = new AtomicLong();

  private Borrowers() {}

  static Digest next() {
    return Digest.sha256(
        ByteBuffer.allocate(16)
            .putLong(0x736c756963652d62L)
            .putLong(NEXT.incrementAndGet())
            .array());
  }
}
