package io.sluice.compute.stats;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.compute.Computation;
import io.sluice.compute.ComputeException;
import io.sluice.compute.Operation;
import io.sluice.compute.OperationKit;
import io.sluice.compute.RandomElements;
import io.sluice.compute.TensorBlock;
import io.sluice.compute.kernel.Vectors;
import io.sluice.model.DType;
import io.sluice.model.TensorInfo;
import java.lang.foreign.MemorySegment;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.math.RoundingMode;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class StatsOperationTest extends OperationKit<StatsArguments, StatsPartial> {
  /** Digits that put a quotient or root on the right side of a rounding boundary. */
  private static final MathContext DIGITS = new MathContext(200);

  @Override
  protected Operation<StatsArguments, StatsPartial> operation() {
    return new StatsOperation();
  }

  @Override
  protected List<String> arguments() {
    return List.of("{}", "{\"quantiles\":[0,0.01,0.5,0.999,1],\"histogram\":true}");
  }

  /** Quantiles are those of buckets; everything else is exact. */
  @Override
  protected void assertAgrees(JsonNode actual, JsonNode naive, String what) {
    ObjectNode exact = naive.deepCopy();
    ObjectNode given = actual.deepCopy();
    if (exact.has("quantiles")) {
      JsonNode expected = exact.remove("quantiles");
      JsonNode quantiles = given.remove("quantiles");
      assertThat(quantiles.size()).as(what).isEqualTo(expected.size());
      expected
          .properties()
          .forEach(
              q -> {
                JsonNode got = quantiles.get(q.getKey());
                if (q.getValue().isNull()) {
                  assertThat(got.isNull()).as(what).isTrue();
                } else {
                  double value = q.getValue().doubleValue();
                  double error = Math.max(Math.abs(value) / 64, Math.scalb(1.0, -131));
                  error = q.getKey().equals("0") || q.getKey().equals("1") ? 0 : error;
                  assertThat(Math.abs(got.doubleValue() - value))
                      .as("%s, quantile %s: %s for %s", what, q.getKey(), got, value)
                      .isLessThanOrEqualTo(error);
                }
              });
    }
    assertThat(given).as(what).isEqualTo(exact);
  }

  private static void putDistribution(
      ObjectNode node, StatsArguments args, DType dtype, List<Double> finite) {
    List<Double> sorted = new ArrayList<>(finite);
    sorted.replaceAll(value -> value + 0.0); // zeros of both signs are equal
    sorted.sort(null);
    ObjectNode quantiles = node.putObject("quantiles");
    for (double q : args.quantiles()) {
      String name = q == 0 ? "0" : q == 1 ? "1" : Double.toString(q);
      if (sorted.isEmpty()) {
        quantiles.putNull(name);
      } else {
        int rank =
            new BigDecimal(q)
                .multiply(BigDecimal.valueOf(sorted.size()))
                .setScale(0, RoundingMode.CEILING)
                .intValue();
        quantiles.put(name, sorted.get(Math.max(rank, 1) - 1));
      }
    }
    Map<Double, long[]> octaves = new TreeMap<>();
    Map<Double, Double> ends = new TreeMap<>();
    for (double value : sorted) {
      // Floats below the buckets count as the smallest one.
      double v =
          dtype == DType.F32 && value != 0 && Math.abs(value) < Math.scalb(1.0, -131)
              ? Float.MIN_VALUE
              : value;
      int exponent = Math.getExponent(v);
      double near = exponent < Double.MIN_EXPONENT ? 0 : Math.scalb(1.0, exponent);
      double far =
          exponent < Double.MIN_EXPONENT
              ? Double.MIN_NORMAL
              : Math.min(Double.MAX_VALUE, Math.scalb(1.0, exponent + 1));
      // Before the subnormals, which begin at 0 too.
      double from = v == 0 ? -0.0 : v < 0 ? -far : near;
      octaves.computeIfAbsent(from, f -> new long[1])[0]++;
      ends.put(from, v == 0 ? 0 : v < 0 ? -near : far);
    }
    ArrayNode histogram = node.putArray("histogram");
    octaves.forEach(
        (from, count) ->
            histogram
                .addObject()
                .put("from", from + 0.0)
                .put("to", ends.get(from))
                .put("count", count[0]));
  }

  /** An element as a double (NaN and infinities too), or an integer of 64 bits. */
  private static Number element(DType dtype, ByteBuffer data, int i) {
    return switch (dtype) {
      case BOOL -> data.get(i) == 0 ? 0L : 1L;
      case I8 -> (long) data.get(i);
      case U8 -> (long) Byte.toUnsignedInt(data.get(i));
      case I16 -> (long) data.getShort(2 * i);
      case U16 -> (long) Short.toUnsignedInt(data.getShort(2 * i));
      case I32 -> (long) data.getInt(4 * i);
      case U32 -> Integer.toUnsignedLong(data.getInt(4 * i));
      case I64 -> data.getLong(8 * i);
      case U64 -> new BigInteger(Long.toUnsignedString(data.getLong(8 * i)));
      case F64 -> data.getDouble(8 * i);
      case F32 -> (double) data.getFloat(4 * i);
      case F16 -> (double) Float.float16ToFloat(data.getShort(2 * i));
      case BF16 -> (double) Float.intBitsToFloat(data.getShort(2 * i) << 16);
      case F8_E5M2 -> (double) Float.float16ToFloat((short) (data.get(i) << 8));
      case F8_E4M3 -> (data.get(i) & 0x7f) == 0x7f ? Double.NaN : float8(data.get(i), 3, 7);
      case F8_E4M3FNUZ -> data.get(i) == -128 ? Double.NaN : float8(data.get(i), 3, 8);
      case F8_E5M2FNUZ -> data.get(i) == -128 ? Double.NaN : float8(data.get(i), 2, 16);
      case F8_E8M0 -> data.get(i) == -1 ? Double.NaN : Math.pow(2, (data.get(i) & 0xff) - 127);
      default -> throw new IllegalArgumentException(dtype.name());
    };
  }

  private static double float8(byte bits, int fractionBits, int bias) {
    int exponent = (bits & 0x7f) >> fractionBits;
    double fraction = (bits & ((1 << fractionBits) - 1)) / (double) (1 << fractionBits);
    double magnitude =
        exponent == 0
            ? fraction * Math.pow(2, 1 - bias)
            : (1 + fraction) * Math.pow(2, exponent - bias);
    return bits < 0 ? -magnitude : magnitude;
  }

  @Override
  protected JsonNode naive(StatsArguments args, TensorInfo tensor, byte[] bytes) {
    ByteBuffer data = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    List<Double> finite = new ArrayList<>();
    long zeros = 0;
    long nan = 0;
    long posInf = 0;
    long negInf = 0;
    long n = 0;
    BigDecimal min = null;
    BigDecimal max = null;
    BigDecimal sum = BigDecimal.ZERO;
    BigDecimal squares = BigDecimal.ZERO;
    for (int i = 0; i < tensor.elements(); i++) {
      Number value = element(tensor.dtype(), data, i);
      if (value instanceof Double d && !Double.isFinite(d)) {
        nan += Double.isNaN(d) ? 1 : 0;
        posInf += d > 0 ? 1 : 0;
        negInf += d < 0 ? 1 : 0;
        continue;
      }
      BigDecimal exact =
          value instanceof Double d ? new BigDecimal(d) : new BigDecimal(value.toString());
      n++;
      finite.add(value.doubleValue());
      zeros += exact.signum() == 0 ? 1 : 0;
      min = min == null || exact.compareTo(min) < 0 ? exact : min;
      max = max == null || exact.compareTo(max) > 0 ? exact : max;
      sum = sum.add(exact);
      squares = squares.add(exact.multiply(exact));
    }
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    node.put("dtype", tensor.dtype().name());
    tensor.shape().forEach(node.putArray("shape")::add);
    node.put("count", tensor.elements());
    node.set("min", number(min, tensor.dtype()));
    node.set("max", number(max, tensor.dtype()));
    if (n == 0) {
      node.putNull("mean").putNull("std");
    } else {
      BigDecimal count = BigDecimal.valueOf(n);
      BigDecimal distance = squares.multiply(count).subtract(sum.multiply(sum));
      node.put("mean", sum.divide(count, DIGITS).doubleValue());
      node.put("std", distance.divide(count.multiply(count), DIGITS).sqrt(DIGITS).doubleValue());
    }
    double l2 = squares.sqrt(DIGITS).doubleValue();
    if (Double.isInfinite(l2)) {
      node.put("l2", "Infinity");
    } else {
      node.put("l2", l2);
    }
    node.put("zeros", zeros).put("nan", nan).put("posInf", posInf).put("negInf", negInf);
    if (args.counts()) {
      putDistribution(node, args, tensor.dtype(), finite);
    }
    return node;
  }

  private static JsonNode number(BigDecimal value, DType dtype) {
    JsonNodeFactory nodes = JsonNodeFactory.instance;
    if (value == null) {
      return nodes.nullNode();
    }
    if (dtype.kind() == DType.Kind.FLOAT) {
      return nodes.numberNode(value.doubleValue());
    }
    BigInteger integer = value.toBigIntegerExact();
    return integer.bitLength() < 64
        ? nodes.numberNode(integer.longValue())
        : nodes.numberNode(integer);
  }

  private static JsonNode stats(DType dtype, byte[] data) {
    TensorInfo tensor =
        new TensorInfo("t", dtype, List.of((long) data.length / dtype.blockBytes()));
    Computation<?, ?> stats = Computation.of(new StatsOperation(), null);
    TensorBlock block = new TensorBlock(tensor, 0, tensor.rows(), MemorySegment.ofArray(data));
    return stats.finish(tensor, List.of(stats.map(List.of(block))));
  }

  private static byte[] floats(float... values) {
    ByteBuffer buffer = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    buffer.asFloatBuffer().put(values);
    return buffer.array();
  }

  @Test
  void takesEveryPlainTypeOfNumbers() {
    Set<DType> plain =
        EnumSet.allOf(DType.class).stream()
            .filter(d -> d.blockElements() == 1 && d != DType.C64)
            .collect(Collectors.toSet());
    assertThat(taken().collect(Collectors.toSet())).isEqualTo(plain).hasSize(18);
  }

  @Test
  void knownNumbers() {
    JsonNode node =
        stats(DType.F32, floats(1, 2, 3, 4, 0, -0f, Float.NaN, Float.POSITIVE_INFINITY, -10));
    assertThat(node)
        .hasToString(
            "{\"dtype\":\"F32\",\"shape\":[9],\"count\":9,\"min\":-10.0,\"max\":4.0,\"mean\":0.0,"
                + "\"std\":4.3094580368566735,\"l2\":11.40175425099138,\"zeros\":2,\"nan\":1,"
                + "\"posInf\":1,\"negInf\":0}");
    assertThat(stats(DType.F32, floats(Float.NaN)).get("mean").isNull()).isTrue();
  }

  @Test
  void largestNumbersOfEightBits() {
    Map<DType, Double> largest =
        Map.of(
            DType.F8_E4M3, 448.0,
            DType.F8_E5M2, 57344.0,
            DType.F8_E4M3FNUZ, 240.0,
            DType.F8_E5M2FNUZ, 57344.0,
            DType.F8_E8M0, Math.pow(2, 127));
    byte[] all = new byte[256];
    for (int i = 0; i < 256; i++) {
      all[i] = (byte) i;
    }
    largest.forEach(
        (dtype, max) -> {
          JsonNode node = stats(dtype, all);
          assertThat(node.get("max").doubleValue()).as(dtype.name()).isEqualTo(max);
          assertThat(node.get("nan").intValue())
              .as(dtype.name())
              .isEqualTo(dtype == DType.F8_E5M2 ? 6 : dtype == DType.F8_E4M3 ? 2 : 1);
        });
  }

  @Test
  void sumsDoNotRound() {
    float[] values = new float[100_000];
    values[0] = 1e30f;
    values[50_000] = 1e-30f;
    values[99_999] = -1e30f;
    assertThat(stats(DType.F32, floats(values)).get("mean").doubleValue())
        .isEqualTo((double) 1e-30f / 100_000);
  }

  @Test
  void integersAreExact() {
    byte[] data =
        ByteBuffer.allocate(16)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putLong(-1)
            .putLong(Long.MIN_VALUE + 1)
            .array();
    assertThat(stats(DType.U64, data).get("max")).hasToString("18446744073709551615");
    assertThat(stats(DType.U64, data).get("min")).hasToString("9223372036854775809");
    assertThat(stats(DType.I64, data).get("min")).hasToString("-9223372036854775807");
  }

  @Test
  void reducesToASummaryAndTheTensors() {
    Computation<?, ?> stats = Computation.of(new StatsOperation(), null);
    Map<String, JsonNode> answers = new LinkedHashMap<>();
    answers.put("b", stats(DType.F32, floats(0, Float.NaN, 2.5f)));
    answers.put("a", stats(DType.I8, new byte[] {-3, 2}));
    answers.put("c", stats(DType.F32, floats()));
    JsonNode answer = stats.reduce(answers);
    assertThat(answer.get("summary"))
        .hasToString(
            "{\"tensors\":3,\"count\":5,\"zeros\":1,\"nan\":1,\"posInf\":0,\"negInf\":0,"
                + "\"min\":-3,\"max\":2.5}");
    assertThat(answer.get("tensors").propertyStream().map(Map.Entry::getKey))
        .containsExactly("b", "a", "c");
  }

  @Test
  void partialResultsThatContradictThemselvesAreRefused() throws Exception {
    JsonMapper json = new JsonMapper();
    String good =
        "{\"count\":2,\"zeros\":1,\"nan\":1,\"posInf\":0,\"negInf\":0,"
            + "\"min\":\"0p0\",\"max\":\"0p0\",\"sum\":\"0p0\",\"squares\":\"0p0\"}";
    assertThat(operation().read(json.readTree(good)).finite()).isEqualTo(1);
    for (String bad :
        List.of(
            good.replace("\"nan\":1", "\"nan\":2"),
            good.replace("\"nan\":1", "\"nan\":-1"),
            good.replace("\"nan\":1", "\"nan\":1.5"),
            good.replace("\"max\":\"0p0\",", ""),
            good.replace("\"sum\":\"0p0\"", "\"sum\":\"zz\""),
            good.replace("\"sum\":\"0p0\"", "\"sum\":\"1p99999\""))) {
      assertThatThrownBy(() -> operation().read(json.readTree(bad)))
          .as(bad)
          .isInstanceOf(ComputeException.class);
    }
  }

  @Test
  void exactSumsAgreeWithBigDecimals() {
    for (int seed = 0; seed < 300; seed++) {
      Random random = new Random(seed);
      ExactSum sum = new ExactSum();
      BigDecimal expected = BigDecimal.ZERO;
      for (int i = 0; i < 50; i++) {
        double value = Double.longBitsToDouble(random.nextLong());
        if (Double.isFinite(value)) {
          BigDecimal exact = new BigDecimal(value);
          if (random.nextBoolean()) {
            sum.add(value);
            expected = expected.add(exact);
          } else {
            sum.addSquare(value);
            expected = expected.add(exact.multiply(exact));
          }
          assertThat(Dyadic.of(value).toDouble()).isEqualTo(value == 0 ? 0.0 : value);
        }
        if (random.nextInt(5) == 0) {
          long integer = random.nextLong();
          sum.add(integer, 0);
          expected = expected.add(BigDecimal.valueOf(integer));
        }
      }
      Dyadic actual = sum.value();
      assertThat(actual).isEqualTo(sum.value()).isEqualTo(Dyadic.parse(actual.toString()));
      assertThat(actual.toDouble()).isEqualTo(expected.doubleValue());
      BigDecimal two = BigDecimal.valueOf(2);
      BigDecimal exact =
          actual.exponent() < 0
              ? new BigDecimal(actual.mantissa()).divide(two.pow(-actual.exponent()))
              : new BigDecimal(actual.mantissa()).multiply(two.pow(actual.exponent()));
      assertThat(exact).isEqualByComparingTo(expected);
    }
  }

  /** Lengths around chunks and steps, data that is added fast and data that is not. */
  @Test
  void vectorsGiveWhatScalarsGive() {
    assertThat(Vectors.present()).as("tests run with the vector module").isTrue();
    for (DType dtype : List.of(DType.F32, DType.F64, DType.F16, DType.BF16, DType.I16, DType.U16)) {
      for (String fill : List.of("WEIGHTS", "ANY_BITS", "SPECIALS", "ZEROS", "CONSTANT")) {
        for (int n :
            new int[] {1, 15, 16, 17, 511, 512, 513, 2047, 2048, 2049, 4096, 9001, 20_000}) {
          byte[] data = RandomElements.bytes(dtype, fill, n, new Random(n));
          TensorInfo tensor = new TensorInfo("t", dtype, List.of((long) n));
          TensorBlock block = new TensorBlock(tensor, 0, n, MemorySegment.ofArray(data));
          StatsPartial expected = StatsKernel.of(block, Vectors.Reading.SCALARS);
          for (Vectors.Reading reading : Vectors.Reading.values()) {
            assertThat(StatsKernel.of(block, reading))
                .as("%s %s %d %s", dtype, fill, n, reading)
                .isEqualTo(expected);
          }
        }
      }
    }
  }

  /** Numbers of like size with some zeros, tiny ones or specials among them, and of one sign. */
  @Test
  void fewUnlikeTheRestChangeNothing() {
    float[] unlike = {0, -0f, 1e-40f, -1e-44f, 3e38f, Float.NaN, Float.NEGATIVE_INFINITY};
    Random random = new Random(7);
    for (int round = 0; round < 200; round++) {
      int n = 4096 * (1 + random.nextInt(4)) + random.nextInt(20);
      float size = (float) Math.pow(10, random.nextInt(40) - 20);
      int sign = random.nextInt(3) - 1;
      int one = 1 + random.nextInt(3000);
      int kinds = 1 + random.nextInt(unlike.length);
      float[] values = new float[n];
      for (int i = 0; i < n; i++) {
        float value = (float) random.nextGaussian() * size;
        value = sign == 0 ? value : sign * Math.abs(value);
        values[i] = random.nextInt(one) == 0 ? unlike[random.nextInt(kinds)] : value;
      }
      TensorInfo tensor = new TensorInfo("t", DType.F32, List.of((long) n));
      TensorBlock block = new TensorBlock(tensor, 0, n, MemorySegment.ofArray(floats(values)));
      StatsPartial expected = StatsKernel.of(block, Vectors.Reading.SCALARS);
      for (Vectors.Reading reading : Vectors.Reading.values()) {
        assertThat(StatsKernel.of(block, reading))
            .as("round %d, %d of size %s, %s", round, n, size, reading)
            .isEqualTo(expected);
      }
    }
  }

  /** Exponents as far apart as sums can just be exact, and one further. */
  @Test
  void vectorsAreExactUpToTheirSpread() {
    for (int spread = 15; spread <= 24; spread++) {
      for (int exponent : new int[] {-149, -126, -60, 0, 100}) {
        Random random = new Random(spread);
        float[] values = new float[4096];
        double[] wide = new double[4096];
        for (int i = 0; i < values.length; i++) {
          int e = exponent + (i % 7 == 0 ? spread : i % 3 == 0 ? 0 : random.nextInt(spread));
          values[i] = Math.scalb(1 + (float) (0x7fffff - random.nextInt(3)) / 0x800000, e);
          wide[i] = Math.scalb(2 - Math.ulp(1.0) * random.nextInt(5), e);
          if (random.nextInt(4) == 0) {
            values[i] = -values[i];
            wide[i] = -wide[i];
          }
        }
        ByteBuffer doubles = ByteBuffer.allocate(8 * wide.length).order(ByteOrder.LITTLE_ENDIAN);
        doubles.asDoubleBuffer().put(wide);
        Map<DType, byte[]> data = Map.of(DType.F32, floats(values), DType.F64, doubles.array());
        data.forEach(
            (dtype, bytes) -> {
              TensorInfo tensor = new TensorInfo("t", dtype, List.of(4096L));
              TensorBlock block = new TensorBlock(tensor, 0, 4096, MemorySegment.ofArray(bytes));
              StatsPartial expected = StatsKernel.of(block, Vectors.Reading.SCALARS);
              for (Vectors.Reading reading : Vectors.Reading.values()) {
                assertThat(StatsKernel.of(block, reading)).as("%s", reading).isEqualTo(expected);
              }
            });
      }
    }
  }

  @Test
  void wrongArgumentsAreNamed() throws Exception {
    JsonMapper json = new JsonMapper();
    Map<String, String> wrong =
        Map.of(
            "{\"x\":1}", "got 'x'",
            "{\"histogram\":1}", "got 1",
            "{\"quantiles\":0.5}", "got 0.5",
            "{\"quantiles\":[1.5]}", "got 1.5",
            "{\"quantiles\":[\"a\"]}", "got \"a\"");
    for (Map.Entry<String, String> one : wrong.entrySet()) {
      JsonNode args = json.readTree(one.getKey());
      assertThatThrownBy(() -> Computation.of(new StatsOperation(), args))
          .isInstanceOf(ComputeException.class)
          .hasMessageContaining(one.getValue());
    }
  }

  @Test
  void argumentsAreAnObject() {
    assertThatThrownBy(
            () -> Computation.of(new StatsOperation(), JsonNodeFactory.instance.textNode("x")))
        .hasMessageContaining("are an object");
  }

  @Test
  void tensorsThatAreNotTakenAreRefusedByName() {
    Computation<?, ?> stats = Computation.of(new StatsOperation(), null);
    TensorInfo quantized = new TensorInfo("q", DType.Q4_0, List.of(32L));
    assertThat(stats.refusal(quantized)).hasValueSatisfying(r -> assertThat(r).contains("Q4_0"));
    assertThatThrownBy(() -> stats.require(quantized))
        .isInstanceOf(ComputeException.class)
        .hasMessageContaining("'q'")
        .hasMessageContaining("Q4_0");
    stats.require(new TensorInfo("f", DType.F32, List.of(32L)));
  }

  @Test
  void blocksAreRowsOfTheirTensor() {
    TensorInfo tensor = new TensorInfo("t", DType.F32, List.of(4L, 2L));
    MemorySegment row = MemorySegment.ofArray(new byte[8]);
    assertThat(new TensorBlock(tensor, 3, 1, row).elements()).isEqualTo(2);
    assertThatThrownBy(() -> new TensorBlock(tensor, 4, 1, row)).hasMessageContaining("4 rows");
    assertThatThrownBy(() -> new TensorBlock(tensor, 0, 2, row))
        .hasMessageContaining("16 bytes, got 8");
  }
}
