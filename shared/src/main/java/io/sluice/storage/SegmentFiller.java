package io.sluice.storage;

import io.sluice.model.ByteRange;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;

/**
 * Fills the target of one ranged read from its start, counts what is in place and never writes past
 * the range. For adapters; not safe for many threads.
 */
public final class SegmentFiller {
  private static final int BUFFER = 64 << 10;

  private final MemorySegment target;
  private final long length;
  private long transferred;

  /**
   * @throws StorageException INVALID if the target is read-only or too small for the range
   */
  public SegmentFiller(String key, ByteRange range, MemorySegment target) {
    if (target.byteSize() < range.length()) {
      throw StorageException.invalid(
          "target-too-small",
          key,
          "range "
              + range
              + " of object '"
              + key
              + "' needs "
              + range.length()
              + " bytes of memory, got "
              + target.byteSize());
    }
    if (target.isReadOnly()) {
      throw StorageException.invalid(
          "target-read-only", key, "object '" + key + "' cannot be read into read-only memory");
    }
    this.target = target;
    this.length = range.length();
  }

  /** Leading bytes of the range that are in place. */
  public long transferred() {
    return transferred;
  }

  /** Bytes of the range that are still to come. */
  public long missing() {
    return length - transferred;
  }

  /** Whether the whole range is in place. */
  public boolean complete() {
    return transferred == length;
  }

  /**
   * Reads until the range is complete or the stream ends, by bulk copies through one small buffer.
   */
  public void fill(InputStream in) throws IOException {
    byte[] buffer = new byte[(int) Math.min(BUFFER, missing())];
    while (!complete()) {
      int read = in.read(buffer, 0, (int) Math.min(buffer.length, missing()));
      if (read < 0) {
        return;
      }
      MemorySegment.copy(buffer, 0, target, ValueLayout.JAVA_BYTE, transferred, read);
      transferred += read;
    }
  }

  /**
   * Takes what remains in the buffer.
   *
   * @return whether all of it fitted; if not, nothing of it was taken
   */
  public boolean put(ByteBuffer bytes) {
    int count = bytes.remaining();
    if (count > missing()) {
      return false;
    }
    MemorySegment.copy(MemorySegment.ofBuffer(bytes), 0, target, transferred, count);
    bytes.position(bytes.limit());
    transferred += count;
    return true;
  }

  /**
   * The memory of what is still to come, at most {@code max} bytes of it, as a buffer to read into;
   * the target must be native. Tell what came by {@link #advance}.
   */
  public ByteBuffer rest(int max) {
    return target.asSlice(transferred, Math.min(max, missing())).asByteBuffer();
  }

  /** Counts bytes that were read into {@link #rest}. */
  public void advance(int bytes) {
    if (bytes < 0 || bytes > missing()) {
      throw new IllegalArgumentException(
          "0 to " + missing() + " more bytes were asked for, got " + bytes);
    }
    transferred += bytes;
  }
}
