package io.sluice.memory;

import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;

/** The memory budget of a worker does not hold what was asked for. */
public final class MemoryException extends SluiceException {
  public MemoryException(String message) {
    super(ErrorKind.CAPACITY, "memory-exhausted", message);
  }

  static MemoryException exhausted(long asked, long free, long largestBlock, long budget) {
    return new MemoryException(
        "a slab of "
            + asked
            + " bytes does not fit: "
            + free
            + " bytes are free (largest block "
            + largestBlock
            + ") of a budget of "
            + budget);
  }
}
