package io.sluice.model;

/**
 * A range of bytes, {@code [offset, offset + length)}; 64 bits throughout, nothing over 2 GiB is
 * special.
 *
 * @param offset first byte, not negative
 * @param length number of bytes, not negative
 */
public record ByteRange(long offset, long length) implements Comparable<ByteRange> {
  public ByteRange {
    if (offset < 0 || length < 0 || offset > Long.MAX_VALUE - length) {
      throw new InvalidValueException(
          "range-invalid",
          "a byte range needs 0 <= offset, 0 <= length and offset + length <= 2^63 - 1, got offset "
              + offset
              + " and length "
              + length);
    }
  }

  /** The range from {@code begin} to {@code end}, exclusive. */
  public static ByteRange between(long begin, long end) {
    return new ByteRange(begin, end - begin);
  }

  /** One past the last byte. */
  public long end() {
    return offset + length;
  }

  /** Whether every byte of the other range lies in this one. */
  public boolean contains(ByteRange other) {
    return other.offset >= offset && other.end() <= end();
  }

  /** Whether the two share a byte. */
  public boolean overlaps(ByteRange other) {
    return offset < other.end() && other.offset < end();
  }

  /** By offset, then by length. */
  @Override
  public int compareTo(ByteRange other) {
    int byOffset = Long.compare(offset, other.offset);
    return byOffset != 0 ? byOffset : Long.compare(length, other.length);
  }

  @Override
  public String toString() {
    return "[" + offset + ", " + end() + ")";
  }
}
