package io.sluice.format;

import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;

/** A source file is not what its format says; the root of the errors of every format reader. */
public final class FormatException extends SluiceException {
  private final String path;

  public FormatException(ErrorKind kind, String code, String path, String message) {
    super(kind, code, path + ": " + message);
    this.path = path;
  }

  /** A malformed file. */
  public static FormatException malformed(String code, String path, String message) {
    return new FormatException(ErrorKind.INVALID, code, path, message);
  }

  /** The file that the error is about. */
  public String path() {
    return path;
  }
}
