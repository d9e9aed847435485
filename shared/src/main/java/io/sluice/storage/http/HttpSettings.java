package io.sluice.storage.http;

import io.sluice.model.InvalidValueException;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;

/**
 * How a web server is read.
 *
 * @param hosts which URLs may be read
 * @param responseTimeout how long the head of an answer may take
 * @param stallTimeout how long a body may bring nothing
 * @param authorization value of the {@code Authorization} header, sent to the origin (scheme, host,
 *     port) of the base URL only, never to where it redirects; never shown
 */
public record HttpSettings(
    HostPolicy hosts,
    Duration responseTimeout,
    Duration stallTimeout,
    Optional<String> authorization) {
  public HttpSettings {
    Objects.requireNonNull(hosts, "hosts");
    Objects.requireNonNull(authorization, "authorization");
    if (!responseTimeout.isPositive() || !stallTimeout.isPositive()) {
      throw new InvalidValueException(
          "http-settings-invalid",
          "timeouts are positive, got " + responseTimeout + " and " + stallTimeout);
    }
  }

  /** Public https hosts, 30 seconds for an answer and for a stall, no authorization. */
  public static HttpSettings defaults() {
    return new HttpSettings(
        HostPolicy.publicOnly(), Duration.ofSeconds(30), Duration.ofSeconds(30), Optional.empty());
  }

  @Override
  public String toString() {
    return "HttpSettings[responseTimeout="
        + responseTimeout
        + ", stallTimeout="
        + stallTimeout
        + ", authorization="
        + (authorization.isPresent() ? "present" : "absent")
        + "]";
  }
}
