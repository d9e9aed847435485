package io.sluice.plan;

import io.sluice.model.InvalidValueException;
import io.sluice.model.TensorInfo;
import java.util.Objects;
import java.util.OptionalInt;

/**
 * A tensor to be planned.
 *
 * @param index what the planned pieces call it: its index in the manifest
 * @param info name, dtype, shape
 * @param layer number of its layer, if known
 */
public record PlanTensor(int index, TensorInfo info, OptionalInt layer) {
  public PlanTensor {
    Objects.requireNonNull(info, "info");
    Objects.requireNonNull(layer, "layer");
    if (index < 0 || layer.orElse(0) < 0) {
      throw new InvalidValueException(
          "plan-invalid",
          "tensor '"
              + info.name()
              + "' needs an index and a layer of at least 0, got "
              + index
              + " and "
              + layer);
    }
  }

  /**
   * Whether it may be cut between rows: it has several, and each is a whole number of its dtype's
   * blocks.
   */
  boolean splits() {
    return info.rows() > 1
        && info.elements() > 0
        && info.elements() / info.rows() % info.dtype().blockElements() == 0;
  }
}
