package io.sluice.measure;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Bytes that no compression makes shorter and that are the same on every machine: words of
 * SplitMix64 (Steele, Lea, Flood, OOPSLA 2014), a stream for each seed.
 */
public final class GeneratedBytes {
  private static final long GOLDEN = 0x9e3779b97f4a7c15L;
  private static final int WORDS = 8192;

  private GeneratedBytes() {}

  /**
   * Fills a segment with the bytes of a stream from {@code offset} on.
   *
   * @param offset a multiple of 8
   */
  public static void fill(long seed, long offset, MemorySegment target) {
    if (offset % 8 != 0) {
      throw new IllegalArgumentException("an offset is a multiple of 8, got " + offset);
    }
    long[] words = new long[WORDS];
    long word = offset / 8;
    for (long at = 0; at < target.byteSize(); ) {
      for (int i = 0; i < WORDS; i++) {
        words[i] = mix(mix(seed) + GOLDEN * ++word);
      }
      long length = Math.min(8L * WORDS, target.byteSize() - at);
      MemorySegment.copy(
          MemorySegment.ofArray(words),
          ValueLayout.JAVA_BYTE,
          0,
          target,
          ValueLayout.JAVA_BYTE,
          at,
          length);
      at += length;
    }
  }

  private static long mix(long z) {
    long a = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
    long b = (a ^ (a >>> 27)) * 0x94d049bb133111ebL;
    return b ^ (b >>> 31);
  }
}
