package io.sluice.storage;

import io.sluice.model.ErrorKind;
import java.time.Duration;
import java.util.Objects;

/** The store was throttled, slow or disconnected; the same call may succeed later. */
public final class TransientStorageException extends StorageException {
  private final long transferred;
  private final Duration retryAfter;
  private final boolean throttled;

  /**
   * @param transferred leading bytes of the range that are already in the target, 0 for writes
   */
  public TransientStorageException(String key, long transferred, String message, Throwable cause) {
    this(key, transferred, Duration.ZERO, message, cause);
  }

  /**
   * @param transferred leading bytes of the range that are already in the target, 0 for writes
   * @param retryAfter how long the store asks to be left alone; zero if it did not ask
   */
  public TransientStorageException(
      String key, long transferred, Duration retryAfter, String message, Throwable cause) {
    this(key, transferred, retryAfter, false, message, cause);
  }

  private TransientStorageException(
      String key,
      long transferred,
      Duration retryAfter,
      boolean throttled,
      String message,
      Throwable cause) {
    super(ErrorKind.TRANSIENT, "store-unavailable", key, message, cause);
    this.transferred = transferred;
    this.retryAfter = Objects.requireNonNull(retryAfter, "retryAfter");
    this.throttled = throttled;
  }

  /**
   * The store has too much to do: ask it less often.
   *
   * @param retryAfter how long the store asks to be left alone; zero if it did not ask
   */
  public static TransientStorageException throttled(
      String key, Duration retryAfter, String message, Throwable cause) {
    return new TransientStorageException(key, 0, retryAfter, true, message, cause);
  }

  /** How many leading bytes of the range are in the target: a retry goes on from there. */
  public long transferred() {
    return transferred;
  }

  /** How long the store asks to be left alone; zero if it did not ask. */
  public Duration retryAfter() {
    return retryAfter;
  }

  /** Whether the store asks for fewer requests at once. */
  public boolean throttled() {
    return throttled;
  }
}
