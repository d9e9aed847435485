package io.sluice.format;

import io.sluice.model.ByteRange;
import io.sluice.model.DType;
import io.sluice.model.InvalidValueException;
import io.sluice.model.TensorInfo;
import java.util.List;

/** What all readers do with the tensors that they find. */
final class Tensors {
  /** Most tensors of one file: bounds the memory that a file of tiny entries can take. */
  static final int MAX_PER_FILE = 1_000_000;

  private Tensors() {}

  /** Checks that one more tensor may follow {@code count} others. */
  static void checkCount(String path, long count) {
    if (count < 0 || count > MAX_PER_FILE) {
      throw FormatException.malformed(
          "tensor-count",
          path,
          "a file has at most " + MAX_PER_FILE + " tensors, this one says " + unsigned(count));
    }
  }

  /** A checked name, dtype and shape; errors name the file. */
  static TensorInfo info(String path, String name, DType dtype, List<Long> shape) {
    Names.checkTensor(path, name);
    try {
      return new TensorInfo(name, dtype, shape);
    } catch (InvalidValueException e) {
      String message = e.getMessage();
      throw FormatException.malformed(
          e.code(), path, message.contains(name) ? message : "tensor '" + name + "': " + message);
    }
  }

  /** A tensor at {@code range} of a file; its layer is known from its name, if at all. */
  static SourceTensor at(TensorInfo info, ByteRange range) {
    return new SourceTensor(info, range, LayerNames.layer(info.name()));
  }

  /** A 64-bit number from a file as it is meant: not negative. */
  static String unsigned(long value) {
    return Long.toUnsignedString(value);
  }
}
