package io.sluice.storage;

import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;

/** The root of the errors of every store; the kind says what the caller can do next. */
public class StorageException extends SluiceException {
  private final String key;

  public StorageException(
      ErrorKind kind, String code, String key, String message, Throwable cause) {
    super(kind, code, message, cause);
    this.key = key;
  }

  /** There is no object of that key. */
  public static StorageException missing(String key, Throwable cause) {
    return new StorageException(
        ErrorKind.MISSING, "object-missing", key, "no object '" + key + "'", cause);
  }

  /** The object changed since its etag was read. */
  public static StorageException changed(String key, Throwable cause) {
    return new StorageException(
        ErrorKind.CONFLICT, "object-changed", key, "object '" + key + "' was replaced", cause);
  }

  /** The object that the error is about. */
  public String key() {
    return key;
  }
}
