package io.sluice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Set;

/**
 * Statistics of a tensor, worked out one element after the other: what {@code stats} has to say.
 */
final class Numbers {
  /** Types whose elements have no number of their own or no whole byte: they are skipped. */
  static final Set<String> SKIPPED =
      Set.of("C64", "F6_E2M3", "F6_E3M2", "F4", "Q4_0", "Q8_0", "Q6_K");

  private static final double TOLERANCE = 1e-9;

  private long count;
  private long zeros;
  private long nan;
  private long posInf;
  private long negInf;
  // Exact, for the types that a double cannot hold.
  private BigDecimal min;
  private BigDecimal max;
  private double smallest = Double.POSITIVE_INFINITY;
  private double largest = Double.NEGATIVE_INFINITY;
  private double sum;
  private double squares;
  private double distances;

  private Numbers() {}

  static Numbers of(Synthetic tensor) {
    Numbers numbers = new Numbers();
    numbers.count(tensor);
    return numbers;
  }

  /** Compares the answer about one tensor with these. */
  void assertSameAs(Synthetic tensor, JsonNode answer) {
    String what = tensor.name() + " " + tensor.dtype() + ": " + answer;
    long finite = count - nan - posInf - negInf;
    assertThat(answer.get("dtype").textValue()).as(what).isEqualTo(tensor.dtype());
    assertThat(answer.get("shape").size()).as(what).isEqualTo(tensor.shape().size());
    assertThat(answer.get("count").longValue()).as(what).isEqualTo(count);
    assertThat(answer.get("zeros").longValue()).as(what).isEqualTo(zeros);
    assertThat(answer.get("nan").longValue()).as(what).isEqualTo(nan);
    assertThat(answer.get("posInf").longValue()).as(what).isEqualTo(posInf);
    assertThat(answer.get("negInf").longValue()).as(what).isEqualTo(negInf);
    if (finite == 0) {
      for (String field : new String[] {"min", "max", "mean", "std"}) {
        assertThat(answer.get(field).isNull()).as(what).isTrue();
      }
      return;
    }
    if (min != null) {
      assertThat(answer.get("min").decimalValue()).as(what).isEqualByComparingTo(min);
      assertThat(answer.get("max").decimalValue()).as(what).isEqualByComparingTo(max);
    } else {
      assertThat(answer.get("min").doubleValue() == smallest).as(what).isTrue();
      assertThat(answer.get("max").doubleValue() == largest).as(what).isTrue();
    }
    double mean = sum / finite;
    if (!Double.isFinite(squares)) {
      return; // the naive sums overflow: the extremes and counts have been compared
    }
    double rms = Math.sqrt(squares / finite);
    assertClose(answer.get("mean").doubleValue(), mean, rms, what);
    assertClose(answer.get("std").doubleValue(), Math.sqrt(distances / finite), rms, what);
    assertClose(answer.get("l2").doubleValue(), Math.sqrt(squares), Math.sqrt(squares), what);
  }

  private static void assertClose(double got, double expected, double scale, String what) {
    assertThat(Math.abs(got - expected))
        .as("%s, expected %s", what, expected)
        .isLessThanOrEqualTo(TOLERANCE * scale);
  }

  private void count(Synthetic tensor) {
    int size = Synthetic.bytes(tensor.dtype(), 1);
    ByteBuffer in = ByteBuffer.wrap(tensor.data()).order(ByteOrder.LITTLE_ENDIAN);
    count = tensor.data().length / size;
    boolean wide = tensor.dtype().equals("U64") || tensor.dtype().equals("I64");
    for (int i = 0; i < count; i++) {
      double value = value(tensor.dtype(), in, i * size);
      if (Double.isNaN(value)) {
        nan++;
      } else if (Double.isInfinite(value)) {
        posInf += value > 0 ? 1 : 0;
        negInf += value < 0 ? 1 : 0;
      } else {
        zeros += value == 0 ? 1 : 0;
        sum += value;
        squares += value * value;
        if (wide) {
          extremes(whole(tensor.dtype(), in.getLong(i * size)));
        } else {
          smallest = Math.min(smallest, value);
          largest = Math.max(largest, value);
        }
      }
    }
    long finite = count - nan - posInf - negInf;
    for (int i = 0; i < count; i++) {
      double value = value(tensor.dtype(), in, i * size);
      if (Double.isFinite(value)) {
        distances += Math.pow(value - sum / finite, 2);
      }
    }
  }

  private void extremes(BigDecimal value) {
    min = min == null ? value : min.min(value);
    max = max == null ? value : max.max(value);
  }

  private static BigDecimal whole(String dtype, long bits) {
    return dtype.equals("U64")
        ? new BigDecimal(new BigInteger(Long.toUnsignedString(bits)))
        : BigDecimal.valueOf(bits);
  }

  private static double value(String dtype, ByteBuffer in, int at) {
    return switch (dtype) {
      case "BOOL", "U8" -> in.get(at) & 0xff;
      case "I8" -> in.get(at);
      case "U16" -> in.getShort(at) & 0xffff;
      case "I16" -> in.getShort(at);
      case "U32" -> in.getInt(at) & 0xffff_ffffL;
      case "I32" -> in.getInt(at);
      case "U64", "I64" -> whole(dtype, in.getLong(at)).doubleValue();
      case "F16" -> Float.float16ToFloat(in.getShort(at));
      case "BF16" -> Float.intBitsToFloat(in.getShort(at) << 16);
      case "F32" -> in.getFloat(at);
      case "F64" -> in.getDouble(at);
      case "F8_E8M0" -> in.get(at) == -1 ? Double.NaN : Math.pow(2, (in.get(at) & 0xff) - 127);
      case "F8_E4M3" -> (in.get(at) & 0x7f) == 0x7f ? Double.NaN : small(in.get(at), 3, 7);
      case "F8_E5M2" -> e5m2(in.get(at));
      case "F8_E4M3FNUZ" -> in.get(at) == -128 ? Double.NaN : small(in.get(at), 3, 8);
      case "F8_E5M2FNUZ" -> in.get(at) == -128 ? Double.NaN : small(in.get(at), 2, 16);
      default -> throw new AssertionError("no number of " + dtype);
    };
  }

  /** E5M2 is the upper half of a float16. */
  private static double e5m2(byte bits) {
    return Float.float16ToFloat((short) (bits << 8));
  }

  /** (-1)^s · 2^(e-bias) · 1.m, or 2^(1-bias) · 0.m where e is 0. */
  private static double small(byte bits, int mantissaBits, int bias) {
    int exponent = (bits & 0x7f) >> mantissaBits;
    double mantissa = (bits & (1 << mantissaBits) - 1) / (double) (1 << mantissaBits);
    double size =
        exponent == 0
            ? mantissa * Math.pow(2, 1 - bias)
            : (1 + mantissa) * Math.pow(2, exponent - bias);
    return bits < 0 ? -size : size;
  }
}
