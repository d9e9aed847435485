package io.sluice.compute.stats;

import io.sluice.compute.TensorBlock;
import io.sluice.compute.kernel.LittleEndian;
import io.sluice.compute.kernel.Vectors;
import io.sluice.model.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Optional;

/**
 * Counts, extremes and exact sums of a block.
 *
 * <p>Elements are copied in chunks to arrays and run through plain loops that the compiler turns
 * into vector code. Types of 8 bits are counted by value. All of at most 32 bits of float (and 16
 * of integer) go through {@link #addFloats}: a chunk is added to rows of doubles, but each addend
 * is first cut at a bit so far below the chunk's largest that the additions cannot round
 * (extraction as in Rump, Ogita and Oishi, "Accurate floating-point summation part I", SIAM J. Sci.
 * Comput. 31, 2008); what is cut off, next to never something, is added exactly. So the sum of a
 * chunk is exact and the same for any chunks.
 */
final class StatsKernel {
  /** Doubles in a row of sums. */
  private static final int LANES = 256;

  /** Addends of each double of a row. */
  private static final int ROWS = 32;

  private static final int CHUNK = LANES * ROWS;

  /** Bits kept of an addend: with the growth by ROWS they are those of a double. */
  private static final int WINDOW = 53 - 5;

  private static final int INFINITY = 0x7f80_0000;

  /** Elements of a chunk that may be added one by one. */
  private static final int FEW = 64;

  private static final long MASK = 0xffff_ffffL;

  private final DType dtype;
  private final MemorySegment data;
  private final long count;
  private final ExactSum sum = new ExactSum();
  private final ExactSum squares = new ExactSum();
  private long zeros;
  private long nan;
  private long posInf;
  private long negInf;
  // Of elements that a double holds; the others keep theirs exactly.
  private double lowest = Double.POSITIVE_INFINITY;
  private double highest = Double.NEGATIVE_INFINITY;
  private Optional<Dyadic> min = Optional.empty();
  private Optional<Dyadic> max = Optional.empty();

  private final Optional<ChunkSums> vectors;
  private final Optional<SegmentSums> segments;
  private final ChunkSums.Result found = new ChunkSums.Result();

  private StatsKernel(TensorBlock block, Vectors.Reading reading) {
    this.dtype = block.tensor().dtype();
    this.data = block.data();
    this.count = block.elements();
    this.vectors =
        reading == Vectors.Reading.SCALARS ? Optional.empty() : Optional.of(new VectorChunkSums());
    this.segments =
        reading == Vectors.Reading.SEGMENTS ? Optional.of(new SegmentSums()) : Optional.empty();
  }

  static StatsPartial of(TensorBlock block) {
    return of(block, Vectors.reading());
  }

  /** In one of the ways of reading: the result is the same. */
  static StatsPartial of(TensorBlock block, Vectors.Reading reading) {
    return block.elements() == 0 ? StatsPartial.EMPTY : new StatsKernel(block, reading).run();
  }

  private StatsPartial run() {
    switch (dtype) {
      case BOOL, U8, I8, F8_E4M3, F8_E5M2, F8_E8M0, F8_E4M3FNUZ, F8_E5M2FNUZ -> bytes();
      case U16, I16, F16, BF16 -> shorts();
      case F32 -> floats();
      case F64 -> doubles();
      case U32, I32 -> ints();
      case U64, I64 -> longs();
      default -> throw new IllegalArgumentException("no stats of " + dtype);
    }
    if (lowest <= highest) {
      extremes(Dyadic.of(lowest), Dyadic.of(highest));
    }
    return new StatsPartial(
        count,
        zeros,
        nan,
        posInf,
        negInf,
        min,
        max,
        sum.value(),
        squares.value(),
        Optional.empty());
  }

  private int chunk(long done) {
    return (int) Math.min(CHUNK, count - done);
  }

  /** Chunks of floats are small where vectors run through them: they stay in the cache. */
  private int floatChunk(long done) {
    return (int) Math.min(vectors.isPresent() ? ChunkSums.MOST : CHUNK, count - done);
  }

  private void extremes(Dyadic low, Dyadic high) {
    min = Optional.of(min.filter(m -> m.compareTo(low) <= 0).orElse(low));
    max = Optional.of(max.filter(m -> m.compareTo(high) >= 0).orElse(high));
  }

  // ---- 8 bits: count each value

  private void bytes() {
    byte[] chunk = new byte[chunk(0)];
    long[] counts = new long[4 * 256];
    for (long done = 0; done < count; ) {
      int n = chunk(done);
      MemorySegment.copy(data, ValueLayout.JAVA_BYTE, done, chunk, 0, n);
      countValues(chunk, n, counts);
      done += n;
    }
    for (int bits = 0; bits < 256; bits++) {
      long times = counts[bits] + counts[bits + 256] + counts[bits + 512] + counts[bits + 768];
      if (times > 0) {
        addTimes(EightBits.decode(dtype, bits), times);
      }
    }
  }

  /** Four tables, so that equal neighbours do not wait for each other. */
  private static void countValues(byte[] chunk, int n, long[] counts) {
    int i = 0;
    for (; i + 3 < n; i += 4) {
      counts[chunk[i] & 0xff]++;
      counts[256 + (chunk[i + 1] & 0xff)]++;
      counts[512 + (chunk[i + 2] & 0xff)]++;
      counts[768 + (chunk[i + 3] & 0xff)]++;
    }
    for (; i < n; i++) {
      counts[chunk[i] & 0xff]++;
    }
  }

  private void addTimes(double value, long times) {
    if (Double.isNaN(value)) {
      nan += times;
    } else if (Double.isInfinite(value)) {
      posInf += value > 0 ? times : 0;
      negInf += value < 0 ? times : 0;
    } else {
      zeros += value == 0 ? times : 0;
      Dyadic exact = Dyadic.of(value);
      extremes(exact, exact);
      Dyadic square = exact.times(exact);
      // Mantissas of 8 bits and their squares have at most 16.
      addProduct(sum, exact, times);
      addProduct(squares, square, times);
    }
  }

  private static void addProduct(ExactSum to, Dyadic value, long times) {
    long mantissa = value.mantissa().longValueExact();
    long magnitude = Math.abs(mantissa);
    to.addUnsigned((times & 0xffff_ffffL) * magnitude, value.exponent(), mantissa < 0);
    to.addUnsigned((times >>> 32) * magnitude, value.exponent() + 32, mantissa < 0);
  }

  // ---- floats of up to 32 bits, integers of 16

  private void floats() {
    FloatChunk chunk = new FloatChunk(floatChunk(0));
    long done = 0;
    if (segments.isPresent()) {
      SegmentSums sums = segments.get();
      long half = count / 2 / SegmentSums.PIECE * SegmentSums.PIECE;
      for (; done < half; done += SegmentSums.PIECE) {
        if (sums.add(data, done, half + done, found)) {
          addFound();
        } else {
          copied(chunk, done, done + SegmentSums.PIECE);
          copied(chunk, half + done, half + done + SegmentSums.PIECE);
        }
      }
      done = 2 * half;
    }
    copied(chunk, done, count);
  }

  private void copied(FloatChunk chunk, long from, long to) {
    for (long done = from; done < to; ) {
      int n = (int) Math.min(floatChunk(done), to - done);
      MemorySegment.copy(data, LittleEndian.FLOATS, 4 * done, chunk.values, 0, n);
      addChunk(chunk, n);
      done += n;
    }
  }

  private void shorts() {
    short[] elements = new short[floatChunk(0)];
    FloatChunk chunk = new FloatChunk(elements.length);
    for (long done = 0; done < count; ) {
      int n = floatChunk(done);
      MemorySegment.copy(data, LittleEndian.SHORTS, 2 * done, elements, 0, n);
      if (dtype == DType.BF16) {
        upperHalves(elements, chunk.bits, n);
        chunk.valuesFromBits(n);
      } else {
        toFloats(elements, chunk.values, n);
      }
      addChunk(chunk, n);
      done += n;
    }
  }

  private void toFloats(short[] elements, float[] values, int n) {
    switch (dtype) {
      case F16 -> halves(elements, values, n);
      case I16 -> signed(elements, values, n);
      case U16 -> unsigned(elements, values, n);
      default -> throw new IllegalArgumentException(dtype + " has no 16 bits");
    }
  }

  private static void upperHalves(short[] elements, int[] bits, int n) {
    for (int i = 0; i < n; i++) {
      bits[i] = elements[i] << 16;
    }
  }

  private static void halves(short[] elements, float[] values, int n) {
    for (int i = 0; i < n; i++) {
      values[i] = Float.float16ToFloat(elements[i]);
    }
  }

  private static void signed(short[] elements, float[] values, int n) {
    for (int i = 0; i < n; i++) {
      values[i] = elements[i];
    }
  }

  private static void unsigned(short[] elements, float[] values, int n) {
    for (int i = 0; i < n; i++) {
      values[i] = elements[i] & 0xffff;
    }
  }

  /** Elements as floats and as their bits, with room for a whole number of rows. */
  private static final class FloatChunk {
    final float[] values;
    final int[] bits;
    final double[] sums = new double[LANES];
    final double[] high = new double[LANES];
    final double[] low = new double[LANES];
    final double[] lost = new double[LANES];

    FloatChunk(int elements) {
      int capacity = Math.ceilDiv(elements, LANES) * LANES;
      values = new float[capacity];
      bits = new int[capacity];
    }

    /** Takes what lies from {@code from} to {@code to} to the front, as bits too. */
    void bitsFromValues(int from, int to) {
      if (from > 0) {
        System.arraycopy(values, from, values, 0, to - from);
      }
      MemorySegment.copy(
          MemorySegment.ofArray(values), ValueLayout.JAVA_INT_UNALIGNED, 0, bits, 0, to - from);
    }

    void valuesFromBits(int n) {
      MemorySegment.copy(
          MemorySegment.ofArray(bits), ValueLayout.JAVA_FLOAT_UNALIGNED, 0, values, 0, n);
    }
  }

  private void addChunk(FloatChunk chunk, int elements) {
    int n = elements;
    int fast = 0;
    if (vectors.isPresent() && n >= ChunkSums.STEP) {
      fast = n - n % ChunkSums.STEP;
      boolean added = vectors.get().add(chunk.values, fast, found);
      if (!added) {
        n = addFewApart(chunk, n);
        fast = n - n % ChunkSums.STEP;
        added = n < elements && fast > 0 && vectors.get().add(chunk.values, fast, found);
      }
      if (added) {
        addFound();
      } else {
        fast = 0;
      }
    }
    if (fast < n) {
      chunk.bitsFromValues(fast, n);
      addFloats(chunk, n - fast);
    }
  }

  /**
   * Adds elements one by one that keep a chunk from vectors, if they are few: what is not finite,
   * or much smaller than the largest. The others move to the front.
   *
   * @return how many those are
   */
  private int addFewApart(FloatChunk chunk, int n) {
    chunk.bitsFromValues(0, n);
    int largest = largestFinite(chunk.bits, n);
    int limit = Math.max((largest >>> 23) - ChunkSums.FLOAT_SPREAD, 0) << 23;
    if (countApart(chunk.bits, n, limit) > FEW) {
      return n;
    }
    int kept = 0;
    for (int i = 0; i < n; i++) {
      int magnitude = chunk.bits[i] & 0x7fff_ffff;
      if (magnitude >= INFINITY || (magnitude < limit && magnitude > 0)) {
        addOne(chunk.values[i]);
      } else {
        chunk.values[kept++] = chunk.values[i];
      }
    }
    return kept;
  }

  private static int largestFinite(int[] bits, int n) {
    int largest = 0;
    for (int i = 0; i < n; i++) {
      int magnitude = bits[i] & 0x7fff_ffff;
      largest = Math.max(largest, magnitude < INFINITY ? magnitude : 0);
    }
    return largest;
  }

  /** How many are not finite, or not 0 and below a limit. */
  private static int countApart(int[] bits, int n, int limit) {
    int count = 0;
    for (int i = 0; i < n; i++) {
      int magnitude = bits[i] & 0x7fff_ffff;
      count += INFINITY - 1 - magnitude >>> 31;
      count += (magnitude - limit & -magnitude) >>> 31;
    }
    return count;
  }

  private void addFound() {
    zeros += found.zeros;
    lowest = Math.min(lowest, found.min);
    highest = Math.max(highest, found.max);
    for (int i = 0; i < found.sumTerms; i++) {
      sum.add(found.sums[i], found.sumUnits[i]);
    }
    for (int i = 0; i < found.squareTerms; i++) {
      squares.add(found.squares[i], found.squareUnits[i]);
    }
  }

  private void addFloats(FloatChunk chunk, int elements) {
    int n = elements;
    int largest = largestMagnitude(chunk.bits, n);
    if (largest >= INFINITY) {
      n = keepFinite(chunk, n);
      if (n == 0) {
        return;
      }
      largest = largestMagnitude(chunk.bits, n);
    }
    zeros += countZeros(chunk.bits, n);
    lowest = Math.min(lowest, smallest(chunk.bits, n));
    highest = Math.max(highest, greatest(chunk.bits, n));
    if (largest > 0) {
      addSums(chunk, n, Math.max(largest >>> 23, 1) - 126);
    }
  }

  private static int largestMagnitude(int[] bits, int n) {
    int largest = 0;
    for (int i = 0; i < n; i++) {
      largest = Math.max(largest, bits[i] & 0x7fff_ffff);
    }
    return largest;
  }

  private static int countZeros(int[] bits, int n) {
    int zeros = 0;
    for (int i = 0; i < n; i++) {
      zeros += ((bits[i] & 0x7fff_ffff) - 1) >>> 31;
    }
    return zeros;
  }

  private static float smallest(int[] bits, int n) {
    int smallest = Integer.MAX_VALUE;
    for (int i = 0; i < n; i++) {
      smallest = Math.min(smallest, order(bits[i]));
    }
    return Float.intBitsToFloat(order(smallest));
  }

  private static float greatest(int[] bits, int n) {
    int greatest = Integer.MIN_VALUE;
    for (int i = 0; i < n; i++) {
      greatest = Math.max(greatest, order(bits[i]));
    }
    return Float.intBitsToFloat(order(greatest));
  }

  /** Integers in the order of the floats that have these bits; its own inverse. */
  private static int order(int bits) {
    return bits ^ ((bits >> 31) & 0x7fff_ffff);
  }

  /** Counts what is not finite and moves the rest to the front. */
  private int keepFinite(FloatChunk chunk, int n) {
    int kept = 0;
    for (int i = 0; i < n; i++) {
      int magnitude = chunk.bits[i] & 0x7fff_ffff;
      if (magnitude > INFINITY) {
        nan++;
      } else if (magnitude < INFINITY) {
        chunk.bits[kept] = chunk.bits[i];
        chunk.values[kept++] = chunk.values[i];
      } else if (chunk.bits[i] > 0) {
        posInf++;
      } else {
        negInf++;
      }
    }
    return kept;
  }

  /** Adds finite values of magnitudes less than 2^exponent. */
  private void addSums(FloatChunk chunk, int n, int exponent) {
    int rows = Math.ceilDiv(n, LANES);
    Arrays.fill(chunk.values, n, rows * LANES, 0f);
    Arrays.fill(chunk.sums, 0);
    Arrays.fill(chunk.high, 0);
    Arrays.fill(chunk.low, 0);
    Arrays.fill(chunk.lost, 0);
    // Units in which values, squares and the rest of squares are added.
    int unit = exponent - WINDOW;
    int highUnit = 2 * exponent - WINDOW;
    int lowUnit = highUnit - WINDOW;
    double cut = cutAt(unit);
    double highCut = cutAt(highUnit);
    double lowCut = cutAt(lowUnit);
    for (int row = 0; row < rows; row++) {
      addRow(
          chunk.values,
          row * LANES,
          chunk.sums,
          chunk.high,
          chunk.low,
          chunk.lost,
          cut,
          highCut,
          lowCut);
    }
    sum.add(ChunkSums.inUnits(chunk.sums, unit), unit);
    squares.add(ChunkSums.inUnits(chunk.high, highUnit), highUnit);
    squares.add(ChunkSums.inUnits(chunk.low, lowUnit), lowUnit);
    double lost = 0;
    for (double l : chunk.lost) {
      lost += l;
    }
    if (lost != 0) {
      addLost(chunk.values, n, cut, highCut, lowCut);
    }
  }

  /** Adding and subtracting this rounds a small enough double to a multiple of 2^unit. */
  private static double cutAt(int unit) {
    return Math.scalb(1.5, unit + 52);
  }

  private static void addRow(
      float[] values,
      int from,
      double[] sums,
      double[] high,
      double[] low,
      double[] lost,
      double cut,
      double highCut,
      double lowCut) {
    for (int i = 0; i < LANES; i++) {
      double value = values[from + i];
      double square = value * value; // exact: 48 bits
      double kept = (value + cut) - cut;
      double keptHigh = (square + highCut) - highCut;
      double rest = square - keptHigh;
      double keptLow = (rest + lowCut) - lowCut;
      sums[i] += kept;
      high[i] += keptHigh;
      low[i] += keptLow;
      lost[i] += Math.abs(value - kept) + Math.abs(rest - keptLow);
    }
  }

  private void addLost(float[] values, int n, double cut, double highCut, double lowCut) {
    for (int i = 0; i < n; i++) {
      double value = values[i];
      double square = value * value;
      double kept = (value + cut) - cut;
      double rest = square - ((square + highCut) - highCut);
      double keptLow = (rest + lowCut) - lowCut;
      if (value != kept) {
        sum.add(value - kept);
      }
      if (rest != keptLow) {
        squares.add(rest - keptLow);
      }
    }
  }

  // ---- wider types, element by element

  private void doubles() {
    int most = vectors.isPresent() ? ChunkSums.MOST_DOUBLES : CHUNK;
    double[] chunk = new double[(int) Math.min(most, count)];
    for (long done = 0; done < count; ) {
      int n = (int) Math.min(most, count - done);
      MemorySegment.copy(data, LittleEndian.DOUBLES, 8 * done, chunk, 0, n);
      int fast = 0;
      if (vectors.isPresent()) {
        fast = n - n % ChunkSums.STEP;
        if (fast > 0 && vectors.get().add(chunk, fast, found)) {
          addFound();
        } else {
          fast = 0;
        }
      }
      addDoubles(chunk, fast, n);
      done += n;
    }
  }

  private void addDoubles(double[] chunk, int from, int to) {
    for (int i = from; i < to; i++) {
      addOne(chunk[i]);
    }
  }

  private void addOne(double value) {
    if (Math.abs(value) <= Double.MAX_VALUE) {
      lowest = Math.min(lowest, value);
      highest = Math.max(highest, value);
      zeros += value == 0 ? 1 : 0;
      sum.add(value);
      squares.addSquare(value);
    } else if (value != value) {
      nan++;
    } else if (value > 0) {
      posInf++;
    } else {
      negInf++;
    }
  }

  private void ints() {
    int[] chunk = new int[chunk(0)];
    long mask = dtype == DType.U32 ? 0xffff_ffffL : -1L;
    long low = Long.MAX_VALUE;
    long high = Long.MIN_VALUE;
    for (long done = 0; done < count; ) {
      int n = chunk(done);
      MemorySegment.copy(data, LittleEndian.INTS, 4 * done, chunk, 0, n);
      long total = 0;
      long squaresLow = 0;
      long squaresHigh = 0;
      for (int i = 0; i < n; i++) {
        long value = chunk[i] & mask;
        long square = value * value; // exact: 64 bits, unsigned
        total += value;
        squaresLow += square & 0xffff_ffffL;
        squaresHigh += square >>> 32;
        low = Math.min(low, value);
        high = Math.max(high, value);
        zeros += value == 0 ? 1 : 0;
      }
      sum.add(total, 0);
      squares.add(squaresLow, 0);
      squares.add(squaresHigh, 32);
      done += n;
    }
    extremes(Dyadic.of(low), Dyadic.of(high));
  }

  private void longs() {
    long[] chunk = new long[chunk(0)];
    boolean signed = dtype == DType.I64;
    // Flipping the sign bit puts unsigned values in the order of signed ones.
    long flip = signed ? 0 : Long.MIN_VALUE;
    long low = Long.MAX_VALUE;
    long high = Long.MIN_VALUE;
    for (long done = 0; done < count; ) {
      int n = chunk(done);
      MemorySegment.copy(data, LittleEndian.LONGS, 8 * done, chunk, 0, n);
      long lowHalves = 0;
      long highHalves = 0;
      long squares0 = 0;
      long squares32 = 0;
      long squares64 = 0;
      long squares96 = 0;
      for (int i = 0; i < n; i++) {
        long value = chunk[i];
        low = Math.min(low, value ^ flip);
        high = Math.max(high, value ^ flip);
        zeros += value == 0 ? 1 : 0;
        lowHalves += value & MASK;
        highHalves += signed ? value >> 32 : value >>> 32;
        long magnitude = signed ? Math.abs(value) : value;
        long product = magnitude * magnitude;
        long upper = Math.unsignedMultiplyHigh(magnitude, magnitude);
        squares0 += product & MASK;
        squares32 += product >>> 32;
        squares64 += upper & MASK;
        squares96 += upper >>> 32;
      }
      sum.add(lowHalves, 0);
      sum.add(highHalves, 32);
      squares.add(squares0, 0);
      squares.add(squares32, 32);
      squares.add(squares64, 64);
      squares.add(squares96, 96);
      done += n;
    }
    extremes(integer(low ^ flip, signed), integer(high ^ flip, signed));
  }

  private static Dyadic integer(long value, boolean signed) {
    if (signed || value >= 0) {
      return Dyadic.of(value);
    }
    ExactSum unsigned = new ExactSum();
    unsigned.addUnsigned(value, 0, false);
    return unsigned.value();
  }
}
