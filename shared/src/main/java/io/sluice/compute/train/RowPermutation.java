package io.sluice.compute.train;

/**
 * A pseudo-random permutation of {@code 0 … size-1} that is worked out element by element, so that
 * every task can tell which rows are in a batch without holding an order of all rows: a balanced
 * Feistel network of four rounds on the next even number of bits, walked until it hits the range
 * (after Black and Rogaway, "Ciphers with arbitrary finite domains", CT-RSA 2002).
 */
final class RowPermutation {
  private static final int ROUNDS = 4;

  private final long size;
  private final int half;
  private final long mask;
  private final long[] keys = new long[ROUNDS];

  /**
   * @param size at least 1, at most 2^60
   * @param seed equal seeds and sizes give equal permutations, on every machine
   */
  RowPermutation(long size, long seed) {
    if (size < 1 || size > 1L << 60) {
      throw new IllegalArgumentException("a permutation has 1 to 2^60 elements, got " + size);
    }
    this.size = size;
    this.half = Math.max(1, (64 - Long.numberOfLeadingZeros(size - 1) + 1) / 2);
    this.mask = (1L << half) - 1;
    long key = seed;
    for (int i = 0; i < ROUNDS; i++) {
      key = mix(key + 0x9e3779b97f4a7c15L);
      keys[i] = key;
    }
  }

  /** A seed out of several numbers. */
  static long seed(long... parts) {
    long seed = 0;
    for (long part : parts) {
      seed = mix(seed + 0x9e3779b97f4a7c15L + mix(part));
    }
    return seed;
  }

  /** Where the element at {@code position} comes from. */
  long at(long position) {
    long value = position;
    do {
      long left = value >>> half;
      long right = value & mask;
      for (long key : keys) {
        long next = left ^ (mix(right ^ key) & mask);
        left = right;
        right = next;
      }
      value = left << half | right;
    } while (value >= size);
    return value;
  }

  /** The finaliser of SplitMix64 (Steele, Lea and Flood). */
  private static long mix(long z) {
    z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
    z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
    return z ^ (z >>> 31);
  }
}
