package io.sluice.http;

import java.io.IOException;
import java.util.Objects;

/** No whole answer came. The reason says what to do next, {@link #received} where to go on. */
public final class HttpFailure extends IOException {
  /** Why there is no whole answer. */
  public enum Reason {
    /** The name of the host could not be looked up. */
    LOOKUP,
    /** Nobody takes connections there, or the network has no way. */
    REFUSED,
    /** The connection was not made in time. */
    CONNECT_TIMEOUT,
    /** The other side could not prove who it is, or TLS failed; trying again will not help. */
    UNTRUSTED,
    /** Nothing moved for too long. */
    STALLED,
    /** The whole request took too long. */
    DEADLINE,
    /** The connection ended or was reset before the answer was whole. */
    BROKEN,
    /** What came is no HTTP/1.1, or more than was allowed. */
    MALFORMED,
    /** This side gave up: the thread was interrupted, the answer aborted or the client closed. */
    CANCELLED
  }

  private final Reason reason;
  private final long received;

  public HttpFailure(Reason reason, long received, String message, Throwable cause) {
    super(message, cause);
    this.reason = Objects.requireNonNull(reason, "reason");
    this.received = received;
  }

  /** Why there is no whole answer. */
  public Reason reason() {
    return reason;
  }

  /** Bytes of the body that are in place. */
  public long received() {
    return received;
  }

  /** Whether the same request may succeed later. */
  public boolean passing() {
    return reason != Reason.UNTRUSTED && reason != Reason.MALFORMED;
  }
}
