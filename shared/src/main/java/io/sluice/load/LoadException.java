package io.sluice.load;

import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;

/** The root of the errors of a load. */
public final class LoadException extends SluiceException {
  public LoadException(ErrorKind kind, String code, String message) {
    super(kind, code, message);
  }

  public LoadException(ErrorKind kind, String code, String message, Throwable cause) {
    super(kind, code, message, cause);
  }
}
