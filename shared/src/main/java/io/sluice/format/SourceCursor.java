package io.sluice.format;

import io.sluice.model.ByteRange;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/**
 * A forward cursor over a file, reading through one small window, so that a header of any size
 * takes the same memory. It never reads past its limit; what would is a {@link FormatException} of
 * code {@code <prefix>-truncated}. Numbers are little-endian.
 */
final class SourceCursor {
  private final ByteSource source;
  private final String prefix;
  private final byte[] window;
  private long windowStart;
  private int windowLength;
  private long position;
  private long limit;

  /**
   * @param limit one past the last byte that may be read, at most the size of the file
   * @param window bytes to read at a time
   */
  SourceCursor(ByteSource source, String prefix, long limit, int window) {
    this.source = source;
    this.prefix = prefix;
    this.limit = Math.min(limit, source.size());
    this.window = new byte[(int) Math.min(window, this.limit)];
  }

  /** Reads a whole range into memory; the caller has bounded it. */
  static byte[] readAll(ByteSource source, ByteRange range) {
    byte[] bytes = new byte[Math.toIntExact(range.length())];
    source.read(range, MemorySegment.ofArray(bytes));
    return bytes;
  }

  String path() {
    return source.path();
  }

  long position() {
    return position;
  }

  long limit() {
    return limit;
  }

  long remaining() {
    return limit - position;
  }

  /** Moves the limit: into a nested message, or back out of it. */
  void limit(long newLimit) {
    limit = newLimit;
  }

  /** Goes to a position up to the limit. */
  void seek(long newPosition) {
    position = newPosition;
  }

  /** Goes over {@code count} bytes, which are there; count is unsigned. */
  void skip(long count, String what) {
    require(count, what);
    position += count;
  }

  /** Checks that {@code count} bytes (unsigned) remain before the limit. */
  void require(long count, String what) {
    if (count < 0 || count > remaining()) {
      throw FormatException.malformed(
          prefix + "-truncated",
          path(),
          what
              + " takes "
              + Tensors.unsigned(count)
              + " bytes at offset "
              + position
              + ", "
              + remaining()
              + " are left");
    }
  }

  int u8(String what) {
    require(1, what);
    if (position < windowStart || position >= windowStart + windowLength) {
      fill();
    }
    return window[(int) (position++ - windowStart)] & 0xff;
  }

  int u32(String what) {
    require(4, what);
    return (int) little(4, what);
  }

  /** 64 bits; what is meant unsigned and has the top bit set comes back negative. */
  long u64(String what) {
    require(8, what);
    return little(8, what);
  }

  /** The next {@code count} bytes, at most {@code max}. */
  byte[] bytes(long count, int max, String what) {
    if (count < 0 || count > max) {
      throw FormatException.malformed(
          prefix + "-string-length",
          path(),
          what + " has at most " + max + " bytes, got " + Tensors.unsigned(count));
    }
    require(count, what);
    byte[] bytes = new byte[(int) count];
    int done = 0;
    while (done < bytes.length) {
      if (position < windowStart || position >= windowStart + windowLength) {
        fill();
      }
      int at = (int) (position - windowStart);
      int step = Math.min(bytes.length - done, windowLength - at);
      System.arraycopy(window, at, bytes, done, step);
      done += step;
      position += step;
    }
    return bytes;
  }

  /** The next {@code count} bytes, at most {@code max}, as strict UTF-8. */
  String utf8(long count, int max, String what) {
    byte[] bytes = bytes(count, max, what);
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      throw FormatException.malformed(
          prefix + "-utf8", path(), what + " before offset " + position + " is not UTF-8");
    }
  }

  private long little(int count, String what) {
    long value = 0;
    for (int i = 0; i < count; i++) {
      value |= (long) u8(what) << (8 * i);
    }
    return value;
  }

  private void fill() {
    int length = (int) Math.min(window.length, source.size() - position);
    source.read(new ByteRange(position, length), MemorySegment.ofArray(window).asSlice(0, length));
    windowStart = position;
    windowLength = length;
  }
}
