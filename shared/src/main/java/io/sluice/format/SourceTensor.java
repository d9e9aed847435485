package io.sluice.format;

import io.sluice.model.ByteRange;
import io.sluice.model.InvalidValueException;
import io.sluice.model.TensorInfo;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * A tensor where it lies in a source file.
 *
 * @param info name, dtype, shape
 * @param range its bytes in the file, exactly {@code info.bytes()} of them
 * @param layer number of the model's layer that it belongs to, if known
 * @param role what the model's graph uses it as, if its own name does not say so, such as {@code
 *     encoder.layer.3.attention.self.query.weight}
 */
public record SourceTensor(
    TensorInfo info, ByteRange range, OptionalInt layer, Optional<String> role) {
  /** A tensor whose name says what it is. */
  public SourceTensor(TensorInfo info, ByteRange range, OptionalInt layer) {
    this(info, range, layer, Optional.empty());
  }

  public SourceTensor {
    Objects.requireNonNull(info, "info");
    Objects.requireNonNull(range, "range");
    Objects.requireNonNull(layer, "layer");
    Objects.requireNonNull(role, "role");
    if (range.length() != info.bytes()) {
      throw new InvalidValueException(
          "tensor-shape-invalid",
          "tensor '"
              + info.name()
              + "' of "
              + info.dtype()
              + info.shape()
              + " takes "
              + info.bytes()
              + " bytes, its range has "
              + range.length());
    }
  }
}
