package io.sluice.plan;

import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;

/** Shards cannot be placed on the workers as asked. */
public final class PlacementException extends SluiceException {
  private PlacementException(ErrorKind kind, String code, String message) {
    super(kind, code, message);
  }

  static PlacementException invalid(String message) {
    return new PlacementException(ErrorKind.INVALID, "placement-invalid", message);
  }

  static PlacementException doesNotFit(String message) {
    return new PlacementException(ErrorKind.CAPACITY, "placement-does-not-fit", message);
  }
}
