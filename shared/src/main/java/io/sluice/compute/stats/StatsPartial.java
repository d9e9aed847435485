package io.sluice.compute.stats;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.compute.ComputeException;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BinaryOperator;
import java.util.stream.Stream;

/**
 * What is known of some elements; every number is exact.
 *
 * @param count all elements
 * @param zeros elements equal to 0, of either sign
 * @param nan elements that are not a number
 * @param posInf elements equal to +∞
 * @param negInf elements equal to -∞
 * @param min smallest finite element, if there is any
 * @param max largest finite element, if there is any
 * @param sum of the finite elements
 * @param squares sum of the squares of the finite elements
 * @param histogram of the finite elements, if it was asked for
 */
public record StatsPartial(
    long count,
    long zeros,
    long nan,
    long posInf,
    long negInf,
    Optional<Dyadic> min,
    Optional<Dyadic> max,
    Dyadic sum,
    Dyadic squares,
    Optional<Histogram> histogram) {
  static final StatsPartial EMPTY =
      new StatsPartial(
          0,
          0,
          0,
          0,
          0,
          Optional.empty(),
          Optional.empty(),
          Dyadic.ZERO,
          Dyadic.ZERO,
          Optional.empty());

  private static final Set<String> REQUIRED =
      Set.of("count", "zeros", "nan", "posInf", "negInf", "sum", "squares");
  private static final Set<String> EXTREMES = Set.of("min", "max");

  StatsPartial with(Histogram counted) {
    return new StatsPartial(
        count, zeros, nan, posInf, negInf, min, max, sum, squares, Optional.of(counted));
  }

  long finite() {
    return count - nan - posInf - negInf;
  }

  StatsPartial plus(StatsPartial other) {
    return new StatsPartial(
        count + other.count,
        zeros + other.zeros,
        nan + other.nan,
        posInf + other.posInf,
        negInf + other.negInf,
        either(min, other.min, (a, b) -> a.compareTo(b) <= 0 ? a : b),
        either(max, other.max, (a, b) -> a.compareTo(b) >= 0 ? a : b),
        sum.plus(other.sum),
        squares.plus(other.squares),
        Stream.of(histogram, other.histogram).flatMap(Optional::stream).reduce(Histogram::plus));
  }

  private static Optional<Dyadic> either(
      Optional<Dyadic> a, Optional<Dyadic> b, BinaryOperator<Dyadic> choice) {
    return Stream.of(a, b).flatMap(Optional::stream).reduce(choice);
  }

  ObjectNode write() {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    node.put("count", count);
    node.put("zeros", zeros);
    node.put("nan", nan);
    node.put("posInf", posInf);
    node.put("negInf", negInf);
    min.ifPresent(value -> node.put("min", value.toString()));
    max.ifPresent(value -> node.put("max", value.toString()));
    node.put("sum", sum.toString());
    node.put("squares", squares.toString());
    histogram.ifPresent(h -> node.put("histogram", h.write()));
    return node;
  }

  static StatsPartial read(JsonNode node) {
    Set<String> fields = new TreeSet<>();
    node.fieldNames().forEachRemaining(fields::add);
    boolean extremes = fields.removeAll(EXTREMES);
    boolean histogram = fields.remove("histogram");
    if (!fields.equals(REQUIRED) || (extremes && !(node.has("min") && node.has("max")))) {
      throw ComputeException.invalidPartial(
          "a partial result of 'stats' has the fields "
              + new TreeSet<>(REQUIRED)
              + " and both or none of "
              + new TreeSet<>(EXTREMES)
              + ", got "
              + fields);
    }
    StatsPartial partial =
        new StatsPartial(
            natural(node, "count"),
            natural(node, "zeros"),
            natural(node, "nan"),
            natural(node, "posInf"),
            natural(node, "negInf"),
            extremes ? Optional.of(exact(node, "min")) : Optional.empty(),
            extremes ? Optional.of(exact(node, "max")) : Optional.empty(),
            exact(node, "sum"),
            exact(node, "squares"),
            histogram
                ? Optional.of(Histogram.read(node.get("histogram").asText()))
                : Optional.empty());
    boolean counted =
        partial.histogram.isEmpty() || partial.histogram.get().count() == partial.finite();
    if (partial.finite() < partial.zeros || (partial.finite() > 0) != extremes || !counted) {
      throw ComputeException.invalidPartial(
          "a partial result of 'stats' counts more than there is: " + node);
    }
    return partial;
  }

  private static long natural(JsonNode node, String field) {
    JsonNode value = node.get(field);
    if (!value.isIntegralNumber() || !value.canConvertToLong() || value.longValue() < 0) {
      throw ComputeException.invalidPartial(
          "'" + field + "' of a partial result of 'stats' is a count, got " + value);
    }
    return value.longValue();
  }

  private static Dyadic exact(JsonNode node, String field) {
    return Dyadic.parse(node.get(field).asText());
  }
}
