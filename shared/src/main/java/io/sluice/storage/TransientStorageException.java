package io.sluice.storage;

import io.sluice.model.ErrorKind;

/** The store was throttled, slow or disconnected; the same call may succeed later. */
public final class TransientStorageException extends StorageException {
  private final long transferred;

  /**
   * @param transferred leading bytes of the range that are already in the target, 0 for writes
   */
  public TransientStorageException(String key, long transferred, String message, Throwable cause) {
    super(ErrorKind.TRANSIENT, "store-unavailable", key, message, cause);
    this.transferred = transferred;
  }

  /** How many leading bytes of the range are in the target: a retry goes on from there. */
  public long transferred() {
    return transferred;
  }
}
