package io.sluice.compute.embed;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * Writes an ONNX file as exporters leave it, by onnx.proto: biases and tables have names, matrices
 * of products are anonymous, and the node that multiplies by one has the path of its module.
 */
final class OnnxGraph {
  private final ByteArrayOutputStream graph = new ByteArrayOutputStream();
  private int products;

  /** Adds an initializer of floats. */
  OnnxGraph named(String name, float[] values, long... shape) {
    ByteArrayOutputStream tensor = new ByteArrayOutputStream();
    for (long dimension : shape) {
      varint(tensor, 1 << 3);
      varint(tensor, dimension);
    }
    varint(tensor, 2 << 3);
    varint(tensor, 1);
    field(tensor, 8, utf8(name));
    ByteBuffer raw = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    raw.asFloatBuffer().put(values);
    field(tensor, 9, raw.array());
    field(graph, 5, tensor.toByteArray());
    return this;
  }

  /**
   * Adds a matrix and the product with it.
   *
   * @param module such as {@code encoder.layer.0.attention.self.query}
   * @param values as [out, in], as checkpoints have them
   */
  OnnxGraph product(String module, float[] values, int out, int in) {
    float[] turned = new float[values.length];
    for (int o = 0; o < out; o++) {
      for (int i = 0; i < in; i++) {
        turned[i * out + o] = values[o * in + i];
      }
    }
    String name = "onnx::MatMul_" + (900 + products++);
    named(name, turned, in, out);
    ByteArrayOutputStream node = new ByteArrayOutputStream();
    field(node, 1, utf8("input"));
    field(node, 1, utf8(name));
    field(node, 3, utf8("/" + module.replace('.', '/').replace("layer/", "layer.") + "/MatMul"));
    field(node, 4, utf8("MatMul"));
    field(graph, 1, node.toByteArray());
    return this;
  }

  byte[] toBytes() {
    ByteArrayOutputStream model = new ByteArrayOutputStream();
    varint(model, 1 << 3);
    varint(model, 8);
    field(model, 7, graph.toByteArray());
    return model.toByteArray();
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static void field(ByteArrayOutputStream out, int number, byte[] value) {
    varint(out, number << 3 | 2);
    varint(out, value.length);
    out.writeBytes(value);
  }

  private static void varint(ByteArrayOutputStream out, long value) {
    long rest = value;
    for (; rest >= 0x80; rest >>>= 7) {
      out.write((int) rest | 0x80);
    }
    out.write((int) rest);
  }
}
