package io.sluice.compute.convert;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.sluice.compute.ComputeException;
import io.sluice.compute.RandomElements;
import io.sluice.compute.TensorBlock;
import io.sluice.compute.kernel.Vectors;
import io.sluice.model.DType;
import io.sluice.model.TensorInfo;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.IntUnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Conversions against the most obvious ones, element by element. */
class RowConverterTest {
  private static final int[] LENGTHS = {1, 7, 31, 32, 33, 100, 4095, 4096, 4097, 9001};

  private static TensorBlock block(DType dtype, long rows, long columns, byte[] data) {
    TensorInfo tensor = new TensorInfo("w", dtype, List.of(rows, columns));
    return new TensorBlock(tensor, 0, rows, MemorySegment.ofArray(data));
  }

  private static float element(DType dtype, byte[] data, int i) {
    ByteBuffer buffer = ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN);
    return switch (dtype) {
      case F32 -> buffer.getFloat(4 * i);
      case F16 -> half(buffer.getShort(2 * i));
      case BF16 -> Float.intBitsToFloat(buffer.getShort(2 * i) << 16);
      default -> throw new IllegalArgumentException(dtype.name());
    };
  }

  /** A number of 5 bits of exponent and 10 of fraction, by its definition. */
  private static float half(int bits) {
    int exponent = bits >> 10 & 0x1f;
    int fraction = bits & 0x3ff;
    double magnitude =
        exponent == 31
            ? fraction == 0 ? Double.POSITIVE_INFINITY : Double.NaN
            : exponent == 0
                ? fraction * 0x1p-24
                : (1 + fraction / 1024.0) * Math.pow(2, exponent - 15);
    return (float) ((bits & 0x8000) == 0 ? magnitude : -magnitude);
  }

  /** All finite non-negative numbers of a type by value. */
  private static TreeMap<Double, Integer> numbers(IntUnaryOperator bitsOfFloat, int last) {
    TreeMap<Double, Integer> numbers = new TreeMap<>();
    for (int bits = 0; bits <= last; bits++) {
      numbers.put((double) Float.intBitsToFloat(bitsOfFloat.applyAsInt(bits)), bits);
    }
    return numbers;
  }

  /** The bits of the number nearest to a finite float, ties to the even one, by looking around. */
  private static int nearest(float value, TreeMap<Double, Integer> numbers) {
    double magnitude = Math.abs((double) value);
    Map.Entry<Double, Integer> below = numbers.floorEntry(magnitude);
    Map.Entry<Double, Integer> above = numbers.higherEntry(magnitude);
    int sign = Float.floatToRawIntBits(value) < 0 ? 0x8000 : 0;
    if (above == null) {
      // Beyond the largest: as if exponents went on.
      double step = below.getKey() - numbers.lowerKey(below.getKey());
      return sign
          | (magnitude < below.getKey() + step / 2 ? below.getValue() : below.getValue() + 1);
    }
    double down = magnitude - below.getKey();
    double up = above.getKey() - magnitude;
    boolean takeBelow = down < up || (down == up && below.getValue() % 2 == 0);
    return sign | (takeBelow ? below.getValue() : above.getValue());
  }

  @ParameterizedTest
  @CsvSource({"F32,F16", "F32,BF16", "BF16,F16", "F16,BF16", "F16,F32", "BF16,F32"})
  void floatsBecomeTheNearestOnes(DType from, DType to) {
    TreeMap<Double, Integer> halves = numbers(bits -> Float.floatToRawIntBits(half(bits)), 0x7bff);
    TreeMap<Double, Integer> upper = numbers(bits -> bits << 16, 0x7f7f);
    for (String fill : List.of("WEIGHTS", "ANY_BITS", "SPECIALS", "ZEROS")) {
      for (int n : LENGTHS) {
        byte[] data = RandomElements.bytes(from, fill, n, new Random(n));
        byte[] out = new byte[(int) to.bytes(n)];
        ErrorSums sums =
            new RowConverter(false)
                .convert(block(from, 1, n, data), to, List.of(MemorySegment.ofArray(out)));
        ByteBuffer written = ByteBuffer.wrap(out).order(ByteOrder.LITTLE_ENDIAN);
        long overflows = 0;
        for (int i = 0; i < n; i++) {
          float value = element(from, data, i);
          float got = element(to, out, i);
          String what = from + " " + value + " as " + to + ": " + got;
          if (!Float.isFinite(value)) {
            assertThat(Float.compare(got, value)).as(what).isZero();
          } else if (to == DType.F32) {
            assertThat(Float.floatToRawIntBits(got))
                .as(what)
                .isEqualTo(Float.floatToRawIntBits(value));
          } else {
            assertThat(written.getShort(2 * i) & 0xffff)
                .as(what)
                .isEqualTo(nearest(value, to == DType.F16 ? halves : upper));
            overflows += Float.isInfinite(got) ? 1 : 0;
          }
        }
        assertThat(sums.overflows()).isEqualTo(overflows);
      }
    }
  }

  @Test
  void whatIsTooLargeBecomesInfinityOrTheLargest() {
    float[] values = {65519.99f, 65520, -1e30f, Float.MAX_VALUE, 1, Float.POSITIVE_INFINITY};
    ByteBuffer data = ByteBuffer.allocate(24).order(ByteOrder.LITTLE_ENDIAN);
    data.asFloatBuffer().put(values);
    Map<Boolean, List<Float>> expected =
        Map.of(
            false,
            List.of(
                65504f,
                Float.POSITIVE_INFINITY,
                Float.NEGATIVE_INFINITY,
                Float.POSITIVE_INFINITY,
                1f,
                Float.POSITIVE_INFINITY),
            true,
            List.of(65504f, 65504f, -65504f, 65504f, 1f, Float.POSITIVE_INFINITY));
    expected.forEach(
        (saturate, numbers) -> {
          byte[] out = new byte[12];
          ErrorSums sums =
              new RowConverter(saturate)
                  .convert(
                      block(DType.F32, 1, 6, data.array()),
                      DType.F16,
                      List.of(MemorySegment.ofArray(out)));
          for (int i = 0; i < 6; i++) {
            assertThat(element(DType.F16, out, i)).isEqualTo(numbers.get(i));
          }
          assertThat(sums.overflows()).isEqualTo(3);
        });
  }

  @ParameterizedTest
  @EnumSource(Vectors.Reading.class)
  void rowsOfBytesHaveTheScaleOfTheirLargest(Vectors.Reading reading) {
    for (DType from : List.of(DType.F32, DType.F16, DType.BF16)) {
      for (int columns : LENGTHS) {
        int rows = 3;
        byte[] data = RandomElements.bytes(from, "WEIGHTS", rows * columns, new Random(columns));
        Arrays.fill(data, 0, (int) from.bytes(columns), (byte) 0); // a row of zeros
        byte[] out = new byte[rows * columns];
        byte[] scales = new byte[4 * rows];
        ErrorSums sums =
            new RowConverter(false, reading)
                .convert(
                    block(from, rows, columns, data),
                    DType.I8,
                    List.of(MemorySegment.ofArray(out), MemorySegment.ofArray(scales)));
        double errors = 0;
        double worst = 0;
        for (int row = 0; row < rows; row++) {
          float largest = 0;
          for (int i = 0; i < columns; i++) {
            largest = Math.max(largest, Math.abs(element(from, data, row * columns + i)));
          }
          float scale = element(DType.F32, scales, row);
          assertThat(scale).isEqualTo(largest / 127);
          for (int i = 0; i < columns; i++) {
            float value = element(from, data, row * columns + i);
            long expected = largest == 0 ? 0 : (long) Math.rint(value * (127 / largest));
            assertThat((long) out[row * columns + i])
                .as("%s %d row %d column %d", from, columns, row, i)
                .isEqualTo(expected);
            double error = value - (double) (out[row * columns + i] * scale);
            errors += error * error;
            worst = Math.max(worst, Math.abs(error));
          }
        }
        assertThat(sums.errors().toDouble()).isCloseTo(errors, within(1e-6 * errors));
        assertThat(sums.max()).isEqualTo(worst);
        assertThat(sums.count()).isEqualTo((long) rows * columns);
      }
    }
  }

  /** The same bytes and sums to the last bit, also where scales overflow or nothing is finite. */
  @ParameterizedTest
  @EnumSource(Vectors.Reading.class)
  void everyWayOfReadingGivesTheSame(Vectors.Reading reading) {
    for (DType from : List.of(DType.F32, DType.F16, DType.BF16)) {
      for (DType to : List.of(DType.I8, DType.F16, DType.BF16, DType.Q8_0, DType.Q4_0)) {
        for (int n : new int[] {1, 15, 16, 17, 63, 64, 96, 4096, 4128, 9001}) {
          if (to.blockElements() > 1 && n % 32 != 0) {
            continue;
          }
          for (double size : new double[] {0.02, 1e-34, 1e-44, 3e37}) {
            Random random = new Random(n);
            byte[] data = RandomElements.bytes(from, "WEIGHTS", 3 * n, random);
            if (from == DType.F32) {
              ByteBuffer floats = ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN);
              for (int i = 0; i < 3 * n; i++) {
                floats.putFloat(
                    4 * i,
                    (float) Math.clamp(random.nextGaussian() * size, -3.4028234e38, 3.4028234e38));
              }
              if (size > 1) {
                floats.putFloat(4 * n, Float.MAX_VALUE);
              }
            }
            // Off the alignment of vectors and floats.
            byte[] shifted = new byte[data.length + 1];
            System.arraycopy(data, 0, shifted, 1, data.length);
            TensorInfo tensor = new TensorInfo("w", from, List.of(3L, (long) n));
            MemorySegment place = MemorySegment.ofArray(shifted).asSlice(1);
            byte[][] out = new byte[2][(int) to.bytes(3L * n)];
            byte[][] scales = new byte[2][12];
            ErrorSums[] sums = new ErrorSums[2];
            for (int i = 0; i < 2; i++) {
              sums[i] =
                  new RowConverter(false, i == 0 ? Vectors.Reading.SCALARS : reading)
                      .convert(
                          new TensorBlock(tensor, 0, 3, place),
                          to,
                          List.of(MemorySegment.ofArray(out[i]), MemorySegment.ofArray(scales[i])));
            }
            String what = from + " to " + to + ", " + n + " of " + size;
            assertThat(sums[1]).as(what).isEqualTo(sums[0]);
            assertThat(out[1]).as(what).isEqualTo(out[0]);
            assertThat(scales[1]).as(what).isEqualTo(scales[0]);
          }
        }
      }
    }
  }

  @Test
  void rowsTooSmallForTheInverseOfTheirScaleBecomeZeros() {
    ByteBuffer data = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
    data.putFloat(1e-45f).putFloat(-1e-38f).putFloat(0).putFloat(1e-40f);
    byte[] out = new byte[4];
    byte[] scale = new byte[4];
    new RowConverter(false)
        .convert(
            block(DType.F32, 1, 4, data.array()),
            DType.I8,
            List.of(MemorySegment.ofArray(out), MemorySegment.ofArray(scale)));
    assertThat(out).containsOnly(0);
    assertThat(scale).containsOnly(0);
  }

  @ParameterizedTest
  @ValueSource(strings = {"I8", "Q8_0", "Q4_0"})
  void whatIsNotFiniteIsNotQuantized(DType to) {
    for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
      ByteBuffer data = ByteBuffer.allocate(4 * 64 * 2).order(ByteOrder.LITTLE_ENDIAN);
      data.putFloat(4 * 100, bad);
      byte[] out = new byte[256];
      List<MemorySegment> targets =
          List.of(MemorySegment.ofArray(out), MemorySegment.ofArray(new byte[8]));
      assertThatThrownBy(
              () ->
                  new RowConverter(false)
                      .convert(block(DType.F32, 2, 64, data.array()), to, targets))
          .isInstanceOf(ComputeException.class)
          .hasMessageContaining("'w'")
          .hasMessageContaining("row 1");
    }
  }

  /** The definition of the format: a scale as F16, then what each element is of it. */
  @ParameterizedTest
  @CsvSource({"Q8_0,34", "Q4_0,18"})
  void blocksAreThoseOfGgml(DType to, int blockBytes) {
    for (String fill : List.of("WEIGHTS", "ZEROS", "CONSTANT")) {
      byte[] data = RandomElements.bytes(DType.F32, fill, 64 * 40, new Random(4));
      if (fill.equals("CONSTANT") && !Float.isFinite(element(DType.F32, data, 0))) {
        continue;
      }
      byte[] out = new byte[80 * blockBytes];
      new RowConverter(false)
          .convert(block(DType.F32, 40, 64, data), to, List.of(MemorySegment.ofArray(out)));
      for (int b = 0; b < 80; b++) {
        float[] x = new float[32];
        int largest = 0;
        for (int i = 0; i < 32; i++) {
          x[i] = element(DType.F32, data, 32 * b + i);
          largest = Math.abs(x[i]) > Math.abs(x[largest]) ? i : largest;
        }
        float d = to == DType.Q8_0 ? Math.abs(x[largest]) / 127 : x[largest] / -8;
        float inverse = d == 0 ? 0 : 1 / d;
        int at = b * blockBytes;
        assertThat((out[at] & 0xff) | (out[at + 1] & 0xff) << 8)
            .isEqualTo(Float.floatToFloat16(d) & 0xffff);
        for (int i = 0; i < 32; i++) {
          if (to == DType.Q8_0) {
            float scaled = x[i] * inverse;
            long expected = (long) (Math.signum(scaled) * Math.floor(Math.abs(scaled) + 0.5));
            assertThat((long) out[at + 2 + i]).isEqualTo(expected);
          } else {
            int packed = out[at + 2 + i % 16];
            int got = i < 16 ? packed & 0xf : packed >> 4 & 0xf;
            int expected = (int) Math.min(15, Math.floor(x[i] * inverse + 8.5f));
            assertThat(got).isEqualTo(expected);
          }
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"F16", "I8", "Q8_0", "Q4_0"})
  void errorsAreTheSameForEveryCut(DType to) {
    byte[] data = RandomElements.bytes(DType.F32, "WEIGHTS", 40 * 64, new Random(9));
    TensorBlock whole = block(DType.F32, 40, 64, data);
    byte[] out = new byte[(int) to.bytes(40 * 64)];
    byte[] scales = new byte[160];
    ErrorSums expected =
        new RowConverter(false)
            .convert(whole, to, List.of(MemorySegment.ofArray(out), MemorySegment.ofArray(scales)));
    for (long bytes : new long[] {256, 700, 3000}) {
      ErrorSums sum = ErrorSums.NONE;
      byte[] again = new byte[out.length];
      byte[] scalesAgain = new byte[160];
      for (TensorBlock part : whole.parts(bytes)) {
        long row = part.firstRow();
        sum =
            ErrorSums.read(
                sum.plus(
                        new RowConverter(false)
                            .convert(
                                part,
                                to,
                                List.of(
                                    slice(again, row, part.rows(), 40),
                                    slice(scalesAgain, row, part.rows(), 40))))
                    .write());
      }
      assertThat(sum).isEqualTo(expected);
      assertThat(again).isEqualTo(out);
      assertThat(scalesAgain).isEqualTo(scales);
    }
  }

  private static MemorySegment slice(byte[] all, long row, long rows, int of) {
    long rowBytes = all.length / of;
    return MemorySegment.ofArray(all).asSlice(row * rowBytes, rows * rowBytes);
  }
}
