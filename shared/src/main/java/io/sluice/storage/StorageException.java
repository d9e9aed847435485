package io.sluice.storage;

import io.sluice.model.ByteRange;
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

  /** The caller may not do this. */
  public static StorageException forbidden(String key, String message, Throwable cause) {
    return new StorageException(ErrorKind.FORBIDDEN, "access-denied", key, message, cause);
  }

  /** The same call will always be refused. */
  public static StorageException invalid(String code, String key, String message) {
    return new StorageException(ErrorKind.INVALID, code, key, message, null);
  }

  /** The range ends past the object, of which the size is known. */
  public static StorageException rangeInvalid(String key, ByteRange range, long size) {
    return invalid(
        "range-invalid",
        key,
        "range " + range + " of object '" + key + "' ends past its " + size + " bytes");
  }

  /** The range ends past the object, of which the store did not tell the size. */
  public static StorageException rangeInvalid(String key, ByteRange range, Throwable cause) {
    return new StorageException(
        ErrorKind.INVALID,
        "range-invalid",
        key,
        "range " + range + " of object '" + key + "' ends past its bytes",
        cause);
  }

  /** The store has no room for what is to be written. */
  public static StorageException full(String key, String message, Throwable cause) {
    return new StorageException(ErrorKind.CAPACITY, "store-full", key, message, cause);
  }

  /** The object that the error is about. */
  public String key() {
    return key;
  }
}
