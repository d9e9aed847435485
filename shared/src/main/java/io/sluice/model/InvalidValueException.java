package io.sluice.model;

/** A value that no part of Sluice accepts: thrown by the records of this package. */
public final class InvalidValueException extends SluiceException {
  public InvalidValueException(String code, String message) {
    super(ErrorKind.INVALID, code, message);
  }
}
