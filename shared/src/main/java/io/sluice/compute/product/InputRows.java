package io.sluice.compute.product;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.compute.ComputeException;
import io.sluice.compute.TensorRef;
import java.util.Locale;

/** Rows of numbers that a request brings, or names. */
sealed interface InputRows {
  /**
   * Rows in the request.
   *
   * @param vector whether it is one row, given without the brackets around it
   * @param data {@code rows * columns} floats, row by row
   */
  record Inline(int rows, int columns, boolean vector, float[] data) implements InputRows {}

  /** Rows of a tensor in the store. */
  record Stored(TensorRef tensor) implements InputRows {}

  /**
   * Reads rows: a list of numbers (one row), a list of such lists, or a reference to a tensor.
   *
   * @param what the argument, for messages
   * @throws ComputeException if it is none of those
   */
  static InputRows read(String what, JsonNode json) {
    if (json.isObject()) {
      return new Stored(TensorRef.read(what, json));
    }
    if (!json.isArray() || json.isEmpty()) {
      throw ComputeException.invalidArguments(
          "'"
              + what
              + "' is a list of rows of numbers, at least one, or {\"model\": ..., \"tensor\": ...},"
              + " got "
              + describe(json));
    }
    boolean vector = !json.get(0).isArray();
    int rows = vector ? 1 : json.size();
    int columns = vector ? json.size() : json.get(0).size();
    float[] data = new float[Math.multiplyExact(rows, columns)];
    for (int i = 0; i < rows; i++) {
      JsonNode row = vector ? json : json.get(i);
      if (!row.isArray() || row.size() != columns) {
        throw ComputeException.invalidArguments(
            "all rows of '"
                + what
                + "' have "
                + columns
                + " numbers like the first, row "
                + i
                + " is "
                + describe(row));
      }
      for (int k = 0; k < columns; k++) {
        data[i * columns + k] = number(what, i, k, row.get(k));
      }
    }
    return new Inline(rows, columns, vector, data);
  }

  private static float number(String what, int row, int column, JsonNode json) {
    float value = json.isNumber() ? json.floatValue() : Float.NaN;
    if (!Float.isFinite(value)) {
      throw ComputeException.invalidArguments(
          "'"
              + what
              + "' holds finite floats, element "
              + column
              + " of row "
              + row
              + " is "
              + describe(json));
    }
    return value;
  }

  private static String describe(JsonNode json) {
    if (json.isArray()) {
      return "a list of " + json.size();
    }
    return json.isObject()
        ? "a JSON " + json.getNodeType().name().toLowerCase(Locale.ROOT)
        : json.toString();
  }
}
