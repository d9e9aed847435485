package io.sluice.compute.compare;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.compute.stats.Dyadic;
import java.math.BigInteger;

/**
 * How far elements of two tensors lie apart. Sums are over the pairs of finite elements, exact sums
 * of those of rows, so they are the same for any cut into blocks of rows.
 *
 * @param count pairs of elements
 * @param differing pairs that are not equal; NaN equals NaN, and 0 equals -0
 * @param unlike of them, pairs that differ in being NaN or infinite
 * @param maxAbs largest difference of finite elements
 * @param distance Σ(a−b)²
 * @param left Σa²
 * @param right Σb²
 * @param product Σab
 */
record PairSums(
    long count,
    long differing,
    long unlike,
    double maxAbs,
    Dyadic distance,
    Dyadic left,
    Dyadic right,
    Dyadic product) {
  static final PairSums NONE =
      new PairSums(0, 0, 0, 0, Dyadic.ZERO, Dyadic.ZERO, Dyadic.ZERO, Dyadic.ZERO);

  PairSums plus(PairSums other) {
    return new PairSums(
        count + other.count,
        differing + other.differing,
        unlike + other.unlike,
        Math.max(maxAbs, other.maxAbs),
        distance.plus(other.distance),
        left.plus(other.left),
        right.plus(other.right),
        product.plus(other.product));
  }

  ObjectNode write() {
    return JsonNodeFactory.instance
        .objectNode()
        .put("count", count)
        .put("differing", differing)
        .put("unlike", unlike)
        .put("maxAbs", maxAbs)
        .put("distance", distance.toString())
        .put("left", left.toString())
        .put("right", right.toString())
        .put("product", product.toString());
  }

  static PairSums read(JsonNode json) {
    return new PairSums(
        json.get("count").longValue(),
        json.get("differing").longValue(),
        json.get("unlike").longValue(),
        json.get("maxAbs").doubleValue(),
        Dyadic.parse(json.get("distance").textValue()),
        Dyadic.parse(json.get("left").textValue()),
        Dyadic.parse(json.get("right").textValue()),
        Dyadic.parse(json.get("product").textValue()));
  }

  /** ‖a−b‖ / ‖a‖; 0 if nothing differs, infinite if a is 0 and b is not. */
  double relative() {
    double norm = norm(left);
    double apart = norm(distance);
    return apart == 0 ? 0 : apart / norm;
  }

  private static double norm(Dyadic squares) {
    return squares.rootOfQuotient(BigInteger.ONE);
  }

  /** a·b / (‖a‖ ‖b‖); NaN if one of them is 0. */
  double cosine() {
    return product.toDouble() / (norm(left) * norm(right));
  }

  void answer(ObjectNode node) {
    node.put("count", count).put("differing", differing).put("unlike", unlike);
    put(node, "maxAbs", maxAbs);
    put(node, "relative", relative());
    put(node, "cosine", cosine());
  }

  private static void put(ObjectNode node, String field, double value) {
    if (Double.isFinite(value)) {
      node.put(field, value);
    } else if (Double.isNaN(value)) {
      node.putNull(field);
    } else {
      node.put(field, "Infinity");
    }
  }
}
