package io.sluice.http;

import io.sluice.model.InvalidValueException;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import javax.net.ssl.SSLContext;

/**
 * How an {@link HttpTransport} connects and waits.
 *
 * @param connectTimeout for a connection to one address, TLS included
 * @param stallTimeout how long nothing may move in either direction
 * @param continueTimeout how long a body waits for {@code 100 Continue} before it is sent anyway
 * @param idleTimeout how long an unused connection is kept; less than what servers do
 * @param maxAge how long a connection is used, so that changes of names take effect
 * @param maxIdle unused connections kept for each origin
 * @param maxHead bytes of the head of an answer, at most
 * @param tls what to trust; the platform's if absent
 */
public record TransportSettings(
    Duration connectTimeout,
    Duration stallTimeout,
    Duration continueTimeout,
    Duration idleTimeout,
    Duration maxAge,
    int maxIdle,
    int maxHead,
    Optional<SSLContext> tls) {
  public TransportSettings {
    Objects.requireNonNull(tls, "tls");
    for (Duration duration :
        new Duration[] {connectTimeout, stallTimeout, continueTimeout, idleTimeout, maxAge}) {
      if (!duration.isPositive()) {
        throw new InvalidValueException(
            "transport-settings-invalid", "times of a transport are positive, got " + duration);
      }
    }
    if (maxIdle < 0 || maxHead < 1024 || maxHead > 1 << 20) {
      throw new InvalidValueException(
          "transport-settings-invalid",
          "a transport keeps 0 or more idle connections and takes heads of 1 KiB to 1 MiB, got "
              + maxIdle
              + " and "
              + maxHead);
    }
  }

  /** 5 s to connect, 30 s for a stall, 64 idle connections for 20 s, heads of up to 64 KiB. */
  public static TransportSettings defaults() {
    return new TransportSettings(
        Duration.ofSeconds(5),
        Duration.ofSeconds(30),
        Duration.ofSeconds(1),
        Duration.ofSeconds(20),
        Duration.ofMinutes(5),
        64,
        64 << 10,
        Optional.empty());
  }

  /** The same with another limit of stalls. */
  public TransportSettings withStallTimeout(Duration timeout) {
    return new TransportSettings(
        connectTimeout, timeout, continueTimeout, idleTimeout, maxAge, maxIdle, maxHead, tls);
  }

  /** The same with another limit of connecting. */
  public TransportSettings withConnectTimeout(Duration timeout) {
    return new TransportSettings(
        timeout, stallTimeout, continueTimeout, idleTimeout, maxAge, maxIdle, maxHead, tls);
  }

  /** The same with other unused connections. */
  public TransportSettings withIdle(int max, Duration timeout) {
    return new TransportSettings(
        connectTimeout, stallTimeout, continueTimeout, timeout, maxAge, max, maxHead, tls);
  }

  /** The same with something else to trust. */
  public TransportSettings withTls(SSLContext context) {
    return new TransportSettings(
        connectTimeout,
        stallTimeout,
        continueTimeout,
        idleTimeout,
        maxAge,
        maxIdle,
        maxHead,
        Optional.of(context));
  }
}
