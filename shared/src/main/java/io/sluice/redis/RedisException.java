package io.sluice.redis;

import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;

/**
 * Redis did not do what it was asked: TRANSIENT if it was not reachable, too slow, loading or read
 * only; FATAL if it refused the command or a script failed.
 */
public final class RedisException extends SluiceException {
  private RedisException(ErrorKind kind, String code, String message, Throwable cause) {
    super(kind, code, message, cause);
  }

  static RedisException unavailable(String message, Throwable cause) {
    return new RedisException(ErrorKind.TRANSIENT, "redis-unavailable", message, cause);
  }

  static RedisException refused(String message, Throwable cause) {
    return new RedisException(ErrorKind.FATAL, "redis-error", message, cause);
  }
}
