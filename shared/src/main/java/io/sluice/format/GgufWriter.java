package io.sluice.format;

import io.sluice.model.DType;
import io.sluice.model.InvalidValueException;
import io.sluice.model.TensorInfo;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;

/**
 * Lays out a GGUF file of version 3: everything in front of the tensor data, and where each tensor
 * goes. Source: the GGUF specification.
 */
public final class GgufWriter {
  private static final int VERSION = 3;
  private static final int ALIGNMENT = 32;
  private static final int MAX_NAME = 63;
  private static final int MAX_DIMS = 4;
  private static final int STRING = 8;
  private static final int UINT32 = 4;

  private GgufWriter() {}

  /**
   * A file that is to be written.
   *
   * @param header its first bytes
   * @param offsets where each tensor starts in the file, in their order; what lies between them is
   *     zeros
   * @param size bytes of the file
   */
  public record Layout(byte[] header, List<Long> offsets, long size) {
    public Layout {
      header = header.clone();
      offsets = List.copyOf(offsets);
    }

    @Override
    public byte[] header() {
      return header.clone();
    }
  }

  /**
   * Lays out tensors.
   *
   * @param metadata keys with texts or integers of 32 bits
   * @throws InvalidValueException {@code gguf-name}, {@code gguf-dims} or {@code gguf-type} if a
   *     tensor cannot be in a GGUF file
   */
  public static Layout layout(SequencedMap<String, Object> metadata, List<TensorInfo> tensors) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    number(out, GgufReader.MAGIC, Integer.BYTES);
    number(out, VERSION, Integer.BYTES);
    number(out, tensors.size(), Long.BYTES);
    number(out, metadata.size(), Long.BYTES);
    for (Map.Entry<String, Object> entry : metadata.entrySet()) {
      text(out, entry.getKey());
      switch (entry.getValue()) {
        case String value -> {
          number(out, STRING, Integer.BYTES);
          text(out, value);
        }
        case Integer value -> {
          number(out, UINT32, Integer.BYTES);
          number(out, value, Integer.BYTES);
        }
        default ->
            throw new IllegalArgumentException(
                "no value of GGUF metadata: " + entry.getValue().getClass());
      }
    }
    List<Long> relative = new ArrayList<>();
    long at = 0;
    for (TensorInfo tensor : tensors) {
      info(out, tensor, at);
      relative.add(at);
      at = aligned(Math.addExact(at, tensor.bytes()));
    }
    long data = aligned(out.size());
    return new Layout(
        out.toByteArray(), relative.stream().map(offset -> data + offset).toList(), data + at);
  }

  private static void info(ByteArrayOutputStream out, TensorInfo tensor, long offset) {
    int bytes = tensor.name().getBytes(StandardCharsets.UTF_8).length;
    if (bytes > MAX_NAME) {
      throw invalid(
          "name", tensor, "has a name of " + bytes + " bytes, GGUF takes at most " + MAX_NAME);
    }
    if (tensor.shape().size() > MAX_DIMS) {
      throw invalid(
          "dims",
          tensor,
          "has " + tensor.shape().size() + " dimensions, GGUF takes at most " + MAX_DIMS);
    }
    text(out, tensor.name());
    List<Long> shape = tensor.shape().isEmpty() ? List.of(1L) : tensor.shape();
    number(out, shape.size(), Integer.BYTES);
    shape.reversed().forEach(dimension -> number(out, dimension, Long.BYTES));
    number(out, type(tensor), Integer.BYTES);
    number(out, offset, Long.BYTES);
  }

  private static int type(TensorInfo tensor) {
    DType dtype = tensor.dtype();
    for (int id = 0; id <= GgufReader.MAX_TYPE; id++) {
      if (GgufReader.type(id).filter(known -> known == dtype).isPresent()) {
        return id;
      }
    }
    throw invalid("type", tensor, "is " + dtype + ", which GGUF has no type for");
  }

  private static long aligned(long offset) {
    return Math.ceilDiv(offset, ALIGNMENT) * ALIGNMENT;
  }

  private static void text(ByteArrayOutputStream out, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    number(out, bytes.length, Long.BYTES);
    out.writeBytes(bytes);
  }

  private static void number(ByteArrayOutputStream out, long value, int bytes) {
    byte[] number =
        ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(value).array();
    out.write(number, 0, bytes);
  }

  private static InvalidValueException invalid(String code, TensorInfo tensor, String message) {
    return new InvalidValueException("gguf-" + code, "tensor '" + tensor.name() + "' " + message);
  }
}
