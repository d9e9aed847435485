package io.sluice.upload;

import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;

/** The root of the errors of an upload. */
public final class UploadException extends SluiceException {
  public UploadException(ErrorKind kind, String code, String message) {
    super(kind, code, message);
  }
}
