package io.sluice.acceptance;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Writes ONNX files, and reads those whose initializers are raw data; by onnx.proto. */
final class OnnxFile {
  private static final Map<String, Integer> TYPES =
      Map.of(
          "F32", 1, "U8", 2, "I8", 3, "U16", 4, "I16", 5, "I32", 6, "I64", 7, "BOOL", 9, "F16", 10,
          "F64", 11);

  private OnnxFile() {}

  /** A model with its tensors in {@code raw_data}, and one in {@code int64_data}. */
  static byte[] write(List<Synthetic> tensors) {
    Bytes graph = graph(tensors);
    for (Synthetic tensor : tensors) {
      graph.protoBytes(5, head(tensor).protoBytes(9, tensor.data()).get());
    }
    // Varints are no array of elements: these stay outside of every shard.
    Bytes varints = new Bytes().varint(1).varint(-1).varint(768);
    graph.protoBytes(
        5,
        new Bytes()
            .protoNumber(1, 3)
            .protoNumber(2, 7)
            .protoBytes(7, varints.get())
            .protoText(8, "reshape_dims")
            .get());
    return model(graph);
  }

  /** A model with its tensors in a data file beside it. */
  static Map<String, byte[]> writeExternal(List<Synthetic> tensors) {
    Bytes graph = graph(tensors);
    Bytes data = new Bytes();
    for (Synthetic tensor : tensors) {
      data.align(64);
      Bytes proto = head(tensor);
      external(proto, "location", "weights/model.onnx_data");
      external(proto, "offset", Integer.toString(data.size()));
      external(proto, "length", Integer.toString(tensor.data().length));
      graph.protoBytes(5, proto.protoNumber(14, 1).get());
      data.raw(tensor.data());
    }
    return Map.of("model.onnx", model(graph), "weights/model.onnx_data", data.get());
  }

  /** The initializers of a model, all of which have raw data. */
  static List<Synthetic> read(byte[] file) {
    List<Synthetic> tensors = new ArrayList<>();
    for (Field field : fields(ByteBuffer.wrap(file))) {
      if (field.number() == 7) {
        for (Field inner : fields(field.bytes())) {
          if (inner.number() == 5) {
            tensors.add(tensor(inner.bytes()));
          }
        }
      }
    }
    return tensors;
  }

  private static Synthetic tensor(ByteBuffer proto) {
    String name = "";
    String dtype = "";
    List<Long> shape = new ArrayList<>();
    byte[] data = new byte[0];
    for (Field field : fields(proto)) {
      switch (field.number()) {
        case 1 -> {
          if (field.bytes() == null) {
            shape.add(field.value());
          } else {
            while (field.bytes().hasRemaining()) {
              shape.add(varint(field.bytes()));
            }
          }
        }
        case 2 ->
            dtype =
                TYPES.entrySet().stream()
                    .filter(type -> type.getValue() == field.value())
                    .findFirst()
                    .orElseThrow()
                    .getKey();
        case 8 -> name = StandardCharsets.UTF_8.decode(field.bytes()).toString();
        case 9 -> {
          data = new byte[field.bytes().remaining()];
          field.bytes().get(data);
        }
        default -> throw new AssertionError("field " + field.number() + " of " + name);
      }
    }
    return new Synthetic(name, dtype, shape, data);
  }

  private record Field(int number, long value, ByteBuffer bytes) {}

  private static List<Field> fields(ByteBuffer message) {
    List<Field> fields = new ArrayList<>();
    ByteBuffer in = message.slice().order(ByteOrder.LITTLE_ENDIAN);
    while (in.hasRemaining()) {
      long tag = varint(in);
      int number = (int) (tag >>> 3);
      switch ((int) tag & 7) {
        case 0 -> fields.add(new Field(number, varint(in), null));
        case 1 -> fields.add(new Field(number, in.getLong(), null));
        case 2 -> {
          int length = (int) varint(in);
          fields.add(new Field(number, 0, in.slice(in.position(), length)));
          in.position(in.position() + length);
        }
        case 5 -> fields.add(new Field(number, in.getInt(), null));
        default -> throw new AssertionError("wire type of tag " + tag);
      }
    }
    return fields;
  }

  private static long varint(ByteBuffer in) {
    long value = 0;
    for (int shift = 0; ; shift += 7) {
      byte b = in.get();
      value |= (long) (b & 0x7f) << shift;
      if (b >= 0) {
        return value;
      }
    }
  }

  private static Bytes graph(List<Synthetic> tensors) {
    Bytes graph = new Bytes();
    for (Synthetic tensor : tensors) {
      Bytes node = new Bytes().protoText(1, "x").protoText(1, tensor.name()).protoText(2, "y");
      graph.protoBytes(1, node.protoText(3, "/layer/MatMul").protoText(4, "MatMul").get());
    }
    return graph.protoText(2, "main_graph");
  }

  private static Bytes head(Synthetic tensor) {
    Bytes proto = new Bytes();
    tensor.shape().forEach(dim -> proto.protoNumber(1, dim));
    return proto.protoNumber(2, TYPES.get(tensor.dtype())).protoText(8, tensor.name());
  }

  private static void external(Bytes proto, String key, String value) {
    proto.protoBytes(13, new Bytes().protoText(1, key).protoText(2, value).get());
  }

  private static byte[] model(Bytes graph) {
    return new Bytes()
        .protoNumber(1, 8)
        .protoText(2, "sluice-acceptance")
        .protoBytes(7, graph.get())
        .get();
  }
}
