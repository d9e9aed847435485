package io.sluice.compute.product;

import com.fasterxml.jackson.databind.node.ArrayNode;
import io.sluice.compute.ComputeException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Base64;

/** Floats in JSON: exactly and small between workers, readable in answers. */
final class Floats {
  private Floats() {}

  /** Little-endian, in base64. */
  static String write(float[] values) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    return Base64.getEncoder().encodeToString(bytes.array());
  }

  /**
   * Reads what {@link #write} wrote.
   *
   * @throws ComputeException if it is something else
   */
  static float[] read(String text, int count) {
    byte[] bytes = bytes(text);
    if (bytes.length != 4L * count) {
      throw ComputeException.invalidPartial(
          count + " floats have " + 4L * count + " bytes, got " + bytes.length);
    }
    float[] values = new float[count];
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
    return values;
  }

  /** Bytes in base64. */
  static byte[] bytes(String text) {
    try {
      return Base64.getDecoder().decode(text);
    } catch (IllegalArgumentException e) {
      throw ComputeException.invalidPartial("no base64: " + e.getMessage());
    }
  }

  /** Adds a number; what JSON has no number for as text: NaN, Infinity, -Infinity. */
  static void add(ArrayNode array, float value) {
    if (Float.isFinite(value)) {
      array.add(value);
    } else {
      array.add(Float.toString(value));
    }
  }
}
