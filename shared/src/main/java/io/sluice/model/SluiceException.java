package io.sluice.model;

import java.util.Objects;

/**
 * The root of every error that Sluice reports. Each port has one subclass as its own root.
 *
 * <p>The code is stable (clients may match on it), the message is for people: it names the thing,
 * the bound and the value.
 */
public class SluiceException extends RuntimeException {
  private final ErrorKind kind;
  private final String code;

  public SluiceException(ErrorKind kind, String code, String message) {
    this(kind, code, message, null);
  }

  public SluiceException(ErrorKind kind, String code, String message, Throwable cause) {
    super(message, cause);
    this.kind = Objects.requireNonNull(kind, "kind");
    this.code = Objects.requireNonNull(code, "code");
  }

  /** What the caller can do next. */
  public ErrorKind kind() {
    return kind;
  }

  /** A stable, machine-readable name of the error in kebab case, such as {@code shard-corrupt}. */
  public String code() {
    return code;
  }

  /** Whether the same call may succeed later. */
  public boolean retryable() {
    return kind == ErrorKind.TRANSIENT;
  }
}
