package io.sluice.compute.stats;

/**
 * Counts, extremes and exact sums of a chunk of an array, as fast as the machine can. What it
 * cannot add exactly it leaves to the caller.
 */
interface ChunkSums {
  /** Number of elements is a multiple of this. */
  int STEP = 16;

  /** Most floats of a chunk. */
  int MOST = 2048;

  /** Distance of exponents at which floats and their squares are added exactly. */
  int FLOAT_SPREAD = 21;

  /** Most doubles of a chunk. */
  int MOST_DOUBLES = 512;

  /**
   * Adds floats up.
   *
   * @param n how many of them; a multiple of {@link #STEP}, at most {@link #MOST}, not 0
   * @return false if one is not finite or they are too far apart; nothing is changed then but
   *     {@code result}
   */
  boolean add(float[] values, int n, Result result);

  /** The same for doubles, at most {@link #MOST_DOUBLES}. */
  boolean add(double[] values, int n, Result result);

  /** The sum of doubles that are multiples of {@code 2^unit}, in that unit. */
  static long inUnits(double[] values, int unit) {
    double scale = Math.scalb(1.0, -unit);
    long total = 0;
    for (double value : values) {
      total += (long) (value * scale);
    }
    return total;
  }

  /** What was found in a chunk. */
  final class Result {
    /** Elements equal to 0. */
    int zeros;

    /** The smallest element. */
    double min;

    /** The largest element. */
    double max;

    /** Number of terms of the sum. */
    int sumTerms;

    /** Number of terms of the sum of squares. */
    int squareTerms;

    /** Terms of the sum: {@code sums[i] · 2^sumUnits[i]}. */
    final long[] sums = new long[2];

    final int[] sumUnits = new int[2];

    /** Terms of the sum of squares. */
    final long[] squares = new long[4];

    final int[] squareUnits = new int[4];

    private void clear(int zeros) {
      sumTerms = 0;
      squareTerms = 0;
      this.zeros = zeros;
    }

    /**
     * Begins with a chunk of floats.
     *
     * @param zeros elements equal to 0
     * @param most the largest of the bits of all elements, as integers with a sign
     * @param negatedMost the same with the signs of the elements turned
     * @param least bits of the smallest magnitude that is not 0; 0 if there is none
     */
    void begin(int zeros, int most, int negatedMost, int least) {
      clear(zeros);
      float nearest = zeros > 0 ? 0 : Float.intBitsToFloat(least);
      max = most >= 0 ? Float.intBitsToFloat(most) : -nearest;
      min = negatedMost >= 0 ? -Float.intBitsToFloat(negatedMost) : nearest;
    }

    /** The same with a chunk of doubles. */
    void begin(int zeros, long most, long negatedMost, long least) {
      clear(zeros);
      double nearest = zeros > 0 ? 0 : Double.longBitsToDouble(least);
      max = most >= 0 ? Double.longBitsToDouble(most) : -nearest;
      min = negatedMost >= 0 ? -Double.longBitsToDouble(negatedMost) : nearest;
    }

    void sum(long value, int unit) {
      sums[sumTerms] = value;
      sumUnits[sumTerms++] = unit;
    }

    void square(long value, int unit) {
      squares[squareTerms] = value;
      squareUnits[squareTerms++] = unit;
    }
  }
}
