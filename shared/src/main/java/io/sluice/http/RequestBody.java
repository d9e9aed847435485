package io.sluice.http;

import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Objects;
import java.util.function.Supplier;

/** What a request carries; it can be sent more than once. */
public sealed interface RequestBody {
  /** Bytes of the body. */
  long length();

  /** No body. */
  static RequestBody none() {
    return Segments.EMPTY;
  }

  /** Memory, one segment after the other; native segments are sent without a copy. */
  static RequestBody of(MemorySegment... segments) {
    return new Segments(List.of(segments));
  }

  /** Memory. */
  record Segments(List<MemorySegment> segments) implements RequestBody {
    private static final Segments EMPTY = new Segments(List.of());

    public Segments {
      segments = List.copyOf(segments);
    }

    @Override
    public long length() {
      long sum = 0;
      for (MemorySegment segment : segments) {
        sum += segment.byteSize();
      }
      return sum;
    }
  }

  /**
   * A stream.
   *
   * @param open gives the bytes from the first one on, every time
   * @param length bytes that it gives
   */
  record Stream(Supplier<InputStream> open, long length) implements RequestBody {
    public Stream {
      Objects.requireNonNull(open, "open");
      if (length < 0) {
        throw new IllegalArgumentException("a body has a length of at least 0, got " + length);
      }
    }
  }
}
