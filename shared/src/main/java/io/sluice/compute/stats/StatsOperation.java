package io.sluice.compute.stats;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.compute.Operation;
import io.sluice.compute.TensorBlock;
import io.sluice.model.DType;
import io.sluice.model.TensorInfo;
import java.math.BigInteger;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * {@code stats}: what the elements of each tensor are like.
 *
 * <p>Of each tensor: {@code count} (all elements), {@code zeros}, {@code nan}, {@code posInf},
 * {@code negInf}, and over the finite elements {@code min}, {@code max}, {@code mean}, {@code std}
 * (of the population: the root of the mean squared distance from the mean), {@code l2} (root of the
 * sum of squares). The first four of those are null if no element is finite; an {@code l2} beyond
 * the largest double is the text {@code "Infinity"}. Elements of BOOL count as 0 and 1.
 *
 * <p>With {@code "quantiles": [q, …]} (each from 0 to 1) also {@code quantiles}: the finite element
 * of rank ⌈q·n⌉ of n, within 1/64 of its magnitude; the smallest for 0 and the largest for 1,
 * exactly. With {@code "histogram": true} also {@code histogram}: how many finite elements lie from
 * one power of two to the next, which of the two is nearer to 0 included, and how many are 0.
 *
 * <p>Sums are exact and rounded once at the end, so the answer is the double nearest to the true
 * value and does not depend on how the tensor was cut or in which order it was read.
 */
public final class StatsOperation implements Operation<StatsArguments, StatsPartial> {
  private static final List<String> COUNTS = List.of("count", "zeros", "nan", "posInf", "negInf");

  @Override
  public String name() {
    return "stats";
  }

  @Override
  public StatsArguments parse(JsonNode args) {
    return StatsArguments.read(args);
  }

  @Override
  public Optional<String> refusal(StatsArguments args, TensorInfo tensor) {
    return tensor.dtype().isNumber()
        ? Optional.empty()
        : Optional.of("'stats' does not read elements of dtype " + tensor.dtype());
  }

  @Override
  public StatsPartial map(StatsArguments args, TensorBlock block) {
    StatsPartial partial = StatsKernel.of(block);
    return args.counts() ? partial.with(HistogramKernel.of(block)) : partial;
  }

  @Override
  public StatsPartial merge(StatsPartial left, StatsPartial right) {
    return left.plus(right);
  }

  @Override
  public JsonNode write(StatsPartial partial) {
    return partial.write();
  }

  @Override
  public StatsPartial read(JsonNode partial) {
    return StatsPartial.read(partial);
  }

  @Override
  public JsonNode finish(StatsArguments args, TensorInfo tensor, StatsPartial whole) {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    node.put("dtype", tensor.dtype().name());
    tensor.shape().forEach(node.putArray("shape")::add);
    node.put("count", whole.count());
    boolean integers = tensor.dtype().kind() != DType.Kind.FLOAT;
    putExtreme(node, "min", whole.min(), integers);
    putExtreme(node, "max", whole.max(), integers);
    if (whole.finite() == 0) {
      node.putNull("mean");
      node.putNull("std");
    } else {
      BigInteger n = BigInteger.valueOf(whole.finite());
      Dyadic sum = whole.sum();
      Dyadic distance = whole.squares().times(new Dyadic(n, 0)).minus(sum.times(sum));
      node.put("mean", sum.dividedBy(n));
      node.put("std", distance.rootOfQuotient(n.multiply(n)));
    }
    double l2 = whole.squares().rootOfQuotient(BigInteger.ONE);
    if (Double.isFinite(l2)) {
      node.put("l2", l2);
    } else {
      node.put("l2", "Infinity");
    }
    node.put("zeros", whole.zeros());
    node.put("nan", whole.nan());
    node.put("posInf", whole.posInf());
    node.put("negInf", whole.negInf());
    whole.histogram().ifPresent(histogram -> putDistribution(node, args, whole, histogram));
    return node;
  }

  private static void putDistribution(
      ObjectNode node, StatsArguments args, StatsPartial whole, Histogram histogram) {
    if (!args.quantiles().isEmpty()) {
      ObjectNode quantiles = node.putObject("quantiles");
      for (double q : args.quantiles()) {
        String name = StatsArguments.name(q);
        if (whole.finite() == 0) {
          quantiles.putNull(name);
        } else {
          // Never outside of what there is: so the first and the last one are exact.
          double min = whole.min().orElseThrow().toDouble();
          double max = whole.max().orElseThrow().toDouble();
          double value = q == 0 ? min : q == 1 ? max : histogram.quantile(q);
          quantiles.put(name, Math.clamp(value, min, max));
        }
      }
    }
    if (args.histogram()) {
      ArrayNode octaves = node.putArray("histogram");
      for (Histogram.Octave octave : histogram.octaves()) {
        octaves
            .addObject()
            .put("from", octave.from())
            .put("to", octave.to())
            .put("count", octave.count());
      }
    }
  }

  private static void putExtreme(
      ObjectNode node, String field, Optional<Dyadic> value, boolean integer) {
    if (value.isEmpty()) {
      node.putNull(field);
    } else if (integer) {
      BigInteger exact = value.get().toInteger();
      if (exact.bitLength() < Long.SIZE) {
        node.put(field, exact.longValue());
      } else {
        node.put(field, exact);
      }
    } else {
      node.put(field, value.get().toDouble());
    }
  }

  @Override
  public JsonNode reduce(StatsArguments args, Map<String, JsonNode> byTensor) {
    ObjectNode answer = JsonNodeFactory.instance.objectNode();
    ObjectNode summary = answer.putObject("summary");
    summary.put("tensors", byTensor.size());
    for (String field : COUNTS) {
      summary.put(field, byTensor.values().stream().mapToLong(t -> t.get(field).longValue()).sum());
    }
    extreme(summary, "min", byTensor, -1);
    extreme(summary, "max", byTensor, 1);
    ObjectNode tensors = answer.putObject("tensors");
    byTensor.forEach(tensors::set);
    return answer;
  }

  private static void extreme(
      ObjectNode summary, String field, Map<String, JsonNode> byTensor, int sign) {
    JsonNode best = JsonNodeFactory.instance.nullNode();
    for (JsonNode tensor : byTensor.values()) {
      JsonNode value = tensor.get(field);
      if (!value.isNull()
          && (best.isNull() || sign * value.decimalValue().compareTo(best.decimalValue()) > 0)) {
        best = value;
      }
    }
    summary.set(field, best);
  }
}
