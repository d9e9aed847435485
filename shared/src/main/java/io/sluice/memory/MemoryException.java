package io.sluice.memory;

import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;

/** The memory budget of a worker does not hold what was asked for. */
public final class MemoryException extends SluiceException {
  public MemoryException(String message) {
    super(ErrorKind.CAPACITY, "memory-exhausted", message);
  }
}
