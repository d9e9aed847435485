package io.sluice.pull;

import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;

/** The root of the errors of a pull. */
public final class PullException extends SluiceException {
  public PullException(ErrorKind kind, String code, String message) {
    this(kind, code, message, null);
  }

  private PullException(ErrorKind kind, String code, String message, Throwable cause) {
    super(kind, code, message, cause);
  }

  /** The file system refused something. */
  static PullException of(String what, IOException e) {
    return e instanceof AccessDeniedException
        ? new PullException(
            ErrorKind.FORBIDDEN, "target-forbidden", "may not write " + e.getMessage(), e)
        : new PullException(ErrorKind.FATAL, "target-failed", what + ": " + e, e);
  }
}
