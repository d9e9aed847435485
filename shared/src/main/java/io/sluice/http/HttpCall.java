package io.sluice.http;

import java.time.Duration;
import java.util.Objects;

/**
 * A request.
 *
 * <p>{@code Host} and {@code Content-Length} are added if the headers lack them. With {@code
 * Expect: 100-continue} the body waits until the server wants it.
 *
 * @param method such as {@code GET}
 * @param target path and query, percent-encoded, beginning with a slash
 * @param deadline how long everything up to the last byte of the answer may take; zero for no limit
 */
public record HttpCall(
    Origin origin,
    String method,
    String target,
    HttpHeaders headers,
    RequestBody body,
    Duration deadline) {
  public HttpCall {
    Objects.requireNonNull(origin, "origin");
    Objects.requireNonNull(headers, "headers");
    Objects.requireNonNull(body, "body");
    if (!HttpHeaders.isToken(method)) {
      throw new IllegalArgumentException("'" + method + "' is no method");
    }
    if (!target.startsWith("/") || target.chars().anyMatch(c -> c <= ' ' || c >= 0x7f)) {
      throw new IllegalArgumentException(
          "a target begins with a slash and is percent-encoded, got '" + target + "'");
    }
    if (deadline.isNegative()) {
      throw new IllegalArgumentException("a deadline is not negative, got " + deadline);
    }
  }

  /** A request without body or deadline. */
  public HttpCall(Origin origin, String method, String target, HttpHeaders headers) {
    this(origin, method, target, headers, RequestBody.none(), Duration.ZERO);
  }

  /** Whether doing it twice is the same as doing it once (RFC 9110, section 9.2.2). */
  boolean repeatable() {
    return switch (method) {
      case "GET", "HEAD", "OPTIONS", "DELETE" -> true;
      // A PUT that others or it itself may have done already would answer differently.
      case "PUT" -> headers.first("if-none-match").or(() -> headers.first("if-match")).isEmpty();
      default -> false;
    };
  }

  boolean expectsContinue() {
    return body.length() > 0 && headers.names("expect", "100-continue");
  }

  @Override
  public String toString() {
    int query = target.indexOf('?');
    return method + " " + origin + (query < 0 ? target : target.substring(0, query));
  }
}
