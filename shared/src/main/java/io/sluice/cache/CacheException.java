package io.sluice.cache;

import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;

/** A cache does not work. It never reaches a load: {@link CacheTier} counts it. */
public final class CacheException extends SluiceException {
  private CacheException(ErrorKind kind, String code, String message, Throwable cause) {
    super(kind, code, message, cause);
  }

  /** It cannot be reached, is too slow, or broke off. */
  public static CacheException unavailable(String message, Throwable cause) {
    return new CacheException(ErrorKind.TRANSIENT, "cache-unavailable", message, cause);
  }

  /** It answered something that its protocol does not know. */
  public static CacheException unexpected(String message) {
    return new CacheException(ErrorKind.FATAL, "cache-unexpected", message, null);
  }

  /** It cannot take more. */
  public static CacheException full(String message, Throwable cause) {
    return new CacheException(ErrorKind.CAPACITY, "cache-full", message, cause);
  }

  /** It cannot be set up like this. */
  public static CacheException invalid(String message, Throwable cause) {
    return new CacheException(ErrorKind.INVALID, "cache-config-invalid", message, cause);
  }
}
