package io.sluice.compute.convert;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.compute.stats.Dyadic;
import java.math.BigInteger;

/**
 * How far some elements moved. The sums are exact sums of those of rows, so they are the same for
 * any cut of a tensor into blocks of rows.
 *
 * @param count elements that are finite before and after
 * @param errors sum of the squares of their differences
 * @param signal sum of the squares of what they were
 * @param max largest difference
 * @param overflows finite elements that were too large
 */
record ErrorSums(long count, Dyadic errors, Dyadic signal, double max, long overflows) {
  static final ErrorSums NONE = new ErrorSums(0, Dyadic.ZERO, Dyadic.ZERO, 0, 0);

  ErrorSums plus(ErrorSums other) {
    return new ErrorSums(
        count + other.count,
        errors.plus(other.errors),
        signal.plus(other.signal),
        Math.max(max, other.max),
        overflows + other.overflows);
  }

  ObjectNode write() {
    return JsonNodeFactory.instance
        .objectNode()
        .put("count", count)
        .put("errors", errors.toString())
        .put("signal", signal.toString())
        .put("max", max)
        .put("overflows", overflows);
  }

  static ErrorSums read(JsonNode json) {
    return new ErrorSums(
        json.get("count").longValue(),
        Dyadic.parse(json.get("errors").textValue()),
        Dyadic.parse(json.get("signal").textValue()),
        json.get("max").doubleValue(),
        json.get("overflows").longValue());
  }

  /** Root of the mean squared difference, the largest one, and signal to noise in decibel. */
  void answer(ObjectNode node) {
    node.put("rmse", count == 0 ? 0 : errors.rootOfQuotient(BigInteger.valueOf(count)));
    node.put("max", max);
    double noise = errors.toDouble();
    double power = signal.toDouble();
    if (noise == 0) {
      node.putNull("snr");
    } else {
      node.put("snr", 10 * Math.log10(power / noise));
    }
    node.put("overflows", overflows);
  }
}
