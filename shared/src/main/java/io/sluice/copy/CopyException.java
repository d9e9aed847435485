package io.sluice.copy;

import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;

/** The root of the errors of a copy. */
public final class CopyException extends SluiceException {
  public CopyException(ErrorKind kind, String code, String message) {
    super(kind, code, message);
  }
}
