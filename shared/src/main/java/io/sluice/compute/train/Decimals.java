package io.sluice.compute.train;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.compute.ComputeException;
import io.sluice.json.JsonObject;

/** Numbers that need not be whole, as arguments. */
final class Decimals {
  private Decimals() {}

  static double read(JsonObject json, String field, double min, double max, double otherwise) {
    JsonNode value = json.any(field).orElse(null);
    if (value == null) {
      return otherwise;
    }
    // a number that is not finite is no JSON, but 1e999 is
    if (!value.isNumber() || !(value.doubleValue() >= min && value.doubleValue() <= max)) {
      throw ComputeException.invalidArguments(
          "'" + field + "' is a number from " + min + " to " + max + ", got " + value);
    }
    return value.doubleValue();
  }
}
