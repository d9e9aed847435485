package io.sluice.acceptance;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * A tensor that a test makes up.
 *
 * @param dtype as safetensors names it, or ggml for quantized blocks
 * @param shape outermost first
 * @param data its bytes, row-major, little-endian
 */
record Synthetic(String name, String dtype, List<Long> shape, byte[] data) {
  /** Elements and bytes of a block of each type. */
  private static final Map<String, int[]> BLOCKS =
      Map.ofEntries(
          Map.entry("BOOL", new int[] {1, 1}),
          Map.entry("U8", new int[] {1, 1}),
          Map.entry("I8", new int[] {1, 1}),
          Map.entry("U16", new int[] {1, 2}),
          Map.entry("I16", new int[] {1, 2}),
          Map.entry("U32", new int[] {1, 4}),
          Map.entry("I32", new int[] {1, 4}),
          Map.entry("U64", new int[] {1, 8}),
          Map.entry("I64", new int[] {1, 8}),
          Map.entry("F16", new int[] {1, 2}),
          Map.entry("BF16", new int[] {1, 2}),
          Map.entry("F32", new int[] {1, 4}),
          Map.entry("F64", new int[] {1, 8}),
          Map.entry("C64", new int[] {1, 8}),
          Map.entry("F8_E4M3", new int[] {1, 1}),
          Map.entry("F8_E5M2", new int[] {1, 1}),
          Map.entry("F8_E8M0", new int[] {1, 1}),
          Map.entry("F8_E4M3FNUZ", new int[] {1, 1}),
          Map.entry("F8_E5M2FNUZ", new int[] {1, 1}),
          Map.entry("F6_E2M3", new int[] {4, 3}),
          Map.entry("F6_E3M2", new int[] {4, 3}),
          Map.entry("F4", new int[] {2, 1}),
          Map.entry("Q4_0", new int[] {32, 18}),
          Map.entry("Q8_0", new int[] {32, 34}),
          Map.entry("Q6_K", new int[] {256, 210}));

  /** Every type that a safetensors header may name. */
  static final List<String> SAFETENSORS_TYPES =
      BLOCKS.keySet().stream().filter(t -> !t.startsWith("Q")).sorted().toList();

  Synthetic {
    shape = List.copyOf(shape);
    if (data.length != bytes(dtype, elements(shape))) {
      throw new IllegalArgumentException(
          name
              + " has "
              + data.length
              + " bytes, its shape "
              + shape
              + " of "
              + dtype
              + " has not");
    }
  }

  /** A tensor of random bits: all values of the type come up, NaN and infinities too. */
  static Synthetic random(String name, String dtype, Random random, long... shape) {
    List<Long> dims = java.util.Arrays.stream(shape).boxed().toList();
    byte[] data = new byte[bytes(dtype, elements(dims))];
    random.nextBytes(data);
    if (dtype.equals("BOOL")) {
      for (int i = 0; i < data.length; i++) {
        data[i] &= 1;
      }
    }
    return new Synthetic(name, dtype, dims, data);
  }

  /** F32 numbers around zero, as weights are. */
  static Synthetic weights(String name, Random random, long... shape) {
    List<Long> dims = java.util.Arrays.stream(shape).boxed().toList();
    ByteBuffer data =
        ByteBuffer.allocate(bytes("F32", elements(dims))).order(ByteOrder.LITTLE_ENDIAN);
    while (data.hasRemaining()) {
      data.putFloat((float) random.nextGaussian() * 0.05f);
    }
    return new Synthetic(name, "F32", dims, data.array());
  }

  static int bytes(String dtype, long elements) {
    int[] block = BLOCKS.get(dtype);
    return Math.toIntExact(elements / block[0] * block[1]);
  }

  static long elements(List<Long> shape) {
    return shape.stream().reduce(1L, Math::multiplyExact);
  }

  /** Bytes of some rows of a tensor of a manifest. */
  static int rowBytes(JsonNode tensor, long rows) {
    long elements = 1;
    for (JsonNode dim : tensor.get("shape")) {
      elements *= dim.longValue();
    }
    long all = tensor.get("shape").isEmpty() ? 1 : tensor.get("shape").get(0).longValue();
    return (int) (bytes(tensor.get("dtype").textValue(), elements) * rows / all);
  }
}
