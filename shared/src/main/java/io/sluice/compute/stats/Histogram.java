package io.sluice.compute.stats;

import io.sluice.compute.ComputeException;
import java.io.ByteArrayOutputStream;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;

/**
 * How many elements lie in each bucket of a fixed layout: a bucket is a 32nd of the way from one
 * power of two to the next, of either sign, and 0 has its own. So histograms of parts add up to
 * that of the whole whatever the parts, and the middle of a bucket is within {@value
 * #RELATIVE_ERROR} of each of its elements (below 2^-126, of the elements of F32, within 2^-131).
 *
 * <p>The layout is that of HdrHistogram over the bits of a double: sign, exponent and the first 5
 * bits of the fraction.
 */
final class Histogram {
  /** Relative error of the middle of a bucket. */
  static final double RELATIVE_ERROR = 1.0 / 64;

  /** Buckets of the magnitudes of doubles: 11 bits of exponent, 5 of fraction. */
  static final int MAGNITUDES = 1 << 16;

  private static final int SHIFT = 52 - 5;

  static final Histogram EMPTY = new Histogram(new int[0], new long[0]);

  /** Buckets in ascending order of their elements. */
  private final int[] buckets;

  private final long[] counts;

  private Histogram(int[] buckets, long[] counts) {
    this.buckets = buckets;
    this.counts = counts;
  }

  /** The bucket of a finite number: negative ones below 0, where 0 of both signs lies. */
  static int bucket(double value) {
    long bits = Double.doubleToRawLongBits(value);
    int magnitude = (int) ((bits & Long.MAX_VALUE) >>> SHIFT);
    if (value == 0) {
      return 0;
    }
    return bits < 0 ? -1 - magnitude : 1 + magnitude;
  }

  /** The smallest magnitude in a bucket. */
  private static double near(int bucket) {
    long magnitude = bucket < 0 ? -1L - bucket : bucket - 1L;
    return Double.longBitsToDouble(magnitude << SHIFT);
  }

  private static double far(int bucket) {
    long magnitude = bucket < 0 ? -1L - bucket : bucket - 1L;
    return Double.longBitsToDouble((magnitude + 1) << SHIFT);
  }

  /** The number that stands for the elements of a bucket. */
  private static double middle(int bucket) {
    if (bucket == 0) {
      return 0;
    }
    double near = near(bucket);
    double middle = near + (far(bucket) - near) / 2;
    middle = Double.isFinite(middle) ? middle : near;
    return bucket < 0 ? -middle : middle;
  }

  /** Counts elements; the index of a bucket is {@link #MAGNITUDES} off, so that it is positive. */
  static final class Builder {
    private final long[] counts = new long[2 * MAGNITUDES + 3];

    void add(double value, long times) {
      counts[bucket(value) + MAGNITUDES + 1] += times;
    }

    Histogram build() {
      int used = 0;
      for (long count : counts) {
        used += count > 0 ? 1 : 0;
      }
      int[] buckets = new int[used];
      long[] some = new long[used];
      int at = 0;
      for (int i = 0; i < counts.length; i++) {
        if (counts[i] > 0) {
          buckets[at] = i - MAGNITUDES - 1;
          some[at++] = counts[i];
        }
      }
      return new Histogram(buckets, some);
    }
  }

  Histogram plus(Histogram other) {
    int[] sumBuckets = new int[buckets.length + other.buckets.length];
    long[] sumCounts = new long[sumBuckets.length];
    int n = 0;
    int i = 0;
    int j = 0;
    while (i < buckets.length || j < other.buckets.length) {
      int mine = i < buckets.length ? buckets[i] : Integer.MAX_VALUE;
      int theirs = j < other.buckets.length ? other.buckets[j] : Integer.MAX_VALUE;
      sumBuckets[n] = Math.min(mine, theirs);
      sumCounts[n] = (mine <= theirs ? counts[i++] : 0) + (theirs <= mine ? other.counts[j++] : 0);
      n++;
    }
    return new Histogram(Arrays.copyOf(sumBuckets, n), Arrays.copyOf(sumCounts, n));
  }

  long count() {
    return Arrays.stream(counts).sum();
  }

  /**
   * The element of rank ⌈q·n⌉ of n in ascending order (the first one for q = 0), within {@link
   * #RELATIVE_ERROR}.
   *
   * @param q from 0 to 1
   */
  double quantile(double q) {
    long total = count();
    if (total == 0) {
      throw new IllegalStateException("there is no element");
    }
    long rank = Math.max(1, Math.min(total, rank(q, total)));
    long seen = 0;
    for (int i = 0; i < buckets.length; i++) {
      seen += counts[i];
      if (seen >= rank) {
        return middle(buckets[i]);
      }
    }
    throw new IllegalStateException("there are fewer elements than " + rank);
  }

  private static long rank(double q, long total) {
    return new BigDecimal(q)
        .multiply(BigDecimal.valueOf(total))
        .setScale(0, RoundingMode.CEILING)
        .longValueExact();
  }

  /** Where an octave of elements begins and ends, and how many there are. */
  record Octave(double from, double to, long count) {}

  /** Elements by powers of two, in ascending order; 0 by itself. */
  List<Octave> octaves() {
    List<Octave> octaves = new ArrayList<>();
    int last = Integer.MIN_VALUE;
    for (int i = 0; i < buckets.length; i++) {
      int bucket = buckets[i];
      int octave =
          bucket == 0 ? 0 : bucket < 0 ? -1 - ((-1 - bucket) >> 5) : 1 + ((bucket - 1) >> 5);
      if (octave == last) {
        Octave o = octaves.removeLast();
        octaves.add(new Octave(o.from(), o.to(), o.count() + counts[i]));
      } else {
        int first =
            octave == 0 ? 0 : octave < 0 ? -1 - ((-1 - octave) << 5) : 1 + ((octave - 1) << 5);
        double near = octave == 0 ? 0 : near(first);
        double far = octave == 0 ? 0 : farOfOctave(first);
        octaves.add(
            octave < 0 ? new Octave(-far, -near, counts[i]) : new Octave(near, far, counts[i]));
        last = octave;
      }
    }
    return octaves;
  }

  private static double farOfOctave(int first) {
    long magnitude = first < 0 ? -1L - first : first - 1L;
    double far = Double.longBitsToDouble((magnitude + 32) << SHIFT);
    return Double.isFinite(far) ? far : Double.MAX_VALUE;
  }

  // ---- as text: differences of buckets and counts as variable-length integers, in base64

  String write() {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    long last = -MAGNITUDES - 1L;
    for (int i = 0; i < buckets.length; i++) {
      writeNatural(out, buckets[i] - last);
      writeNatural(out, counts[i]);
      last = buckets[i];
    }
    return Base64.getEncoder().withoutPadding().encodeToString(out.toByteArray());
  }

  private static void writeNatural(ByteArrayOutputStream out, long natural) {
    long rest = natural;
    while (rest > 0x7f) {
      out.write((int) (rest & 0x7f | 0x80));
      rest >>>= 7;
    }
    out.write((int) rest);
  }

  static Histogram read(String text) {
    byte[] bytes;
    try {
      bytes = Base64.getDecoder().decode(text.getBytes(StandardCharsets.ISO_8859_1));
    } catch (IllegalArgumentException e) {
      throw invalid();
    }
    int[] buckets = new int[bytes.length / 2];
    long[] counts = new long[bytes.length / 2];
    int n = 0;
    long last = -MAGNITUDES - 1L;
    int[] at = new int[1];
    while (at[0] < bytes.length) {
      long bucket = last + readNatural(bytes, at);
      long count = readNatural(bytes, at);
      if (n == buckets.length
          || Math.abs(bucket) > MAGNITUDES
          || (n > 0 && bucket <= last)
          || count <= 0) {
        throw invalid();
      }
      buckets[n] = (int) bucket;
      counts[n++] = count;
      last = bucket;
    }
    return new Histogram(Arrays.copyOf(buckets, n), Arrays.copyOf(counts, n));
  }

  private static long readNatural(byte[] bytes, int[] at) {
    long value = 0;
    for (int shift = 0; shift < 63 && at[0] < bytes.length; shift += 7) {
      byte next = bytes[at[0]++];
      value |= (long) (next & 0x7f) << shift;
      if (next >= 0) {
        return value;
      }
    }
    throw invalid();
  }

  private static ComputeException invalid() {
    return ComputeException.invalidPartial("a histogram is pairs of a bucket and a count");
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Histogram that
        && Arrays.equals(buckets, that.buckets)
        && Arrays.equals(counts, that.counts);
  }

  @Override
  public int hashCode() {
    return 31 * Arrays.hashCode(buckets) + Arrays.hashCode(counts);
  }
}
