package io.sluice.storage.s3;

import io.sluice.http.HttpAnswer;
import io.sluice.http.HttpCall;
import io.sluice.http.HttpTransport;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * What one call of the SDK moves between a socket and memory past the SDK: its pipeline signs and
 * judges, and neither side of it touches a byte of the body. The synchronous client does all of
 * this in the thread that calls it.
 *
 * <p>With a client that has another HTTP implementation than {@link S3Transport} this does nothing,
 * and bodies are streams.
 */
final class Transfer {
  private static final ThreadLocal<Transfer> CURRENT = new ThreadLocal<>();

  private final List<MemorySegment> body;
  private final boolean onlySigned;
  private HttpAnswer answer;
  private HttpCall signed;
  private HttpTransport transport;

  private Transfer(List<MemorySegment> body, boolean onlySigned) {
    this.body = body;
    this.onlySigned = onlySigned;
  }

  /** A call whose answer is taken by {@link #answer}. */
  static Transfer receiving() {
    return new Transfer(List.of(), false);
  }

  /** A call that is signed but not sent: its answer is made up, and empty. */
  static Transfer signing() {
    return new Transfer(List.of(), true);
  }

  /**
   * A call whose body is these segments, one after the other; the SDK must be given the same bytes.
   */
  static Transfer sending(MemorySegment... segments) {
    return new Transfer(List.of(segments), false);
  }

  /** Of this thread. */
  static Optional<Transfer> current() {
    return Optional.ofNullable(CURRENT.get());
  }

  <T> T call(Supplier<T> sdk) {
    Transfer outer = CURRENT.get();
    CURRENT.set(this);
    try {
      return sdk.get();
    } finally {
      if (outer == null) {
        CURRENT.remove();
      } else {
        CURRENT.set(outer);
      }
    }
  }

  /** What the call sends; nothing if it receives. */
  List<MemorySegment> body() {
    return body;
  }

  long length() {
    return body.stream().mapToLong(MemorySegment::byteSize).sum();
  }

  boolean isOnlySigned() {
    return onlySigned;
  }

  void signed(HttpCall call, HttpTransport over) {
    signed = call;
    transport = over;
  }

  /** What was signed; nothing with another HTTP implementation, which has sent it. */
  Optional<HttpCall> signed() {
    return Optional.ofNullable(signed);
  }

  /** Over which it is to be sent; null if nothing was signed. */
  HttpTransport transport() {
    return transport;
  }

  void answered(HttpAnswer given) {
    answer = given;
  }

  /** The answer whose body is still to be taken; none with another HTTP implementation. */
  Optional<HttpAnswer> answer() {
    return Optional.ofNullable(answer);
  }
}
