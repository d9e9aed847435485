package io.sluice.functions.auth;

import java.util.Objects;

/**
 * Who calls.
 *
 * @param name how he has proved it, and as whom: {@code token:ci}, {@code jwt:alice}, {@code
 *     worker}
 * @param role what he may do
 */
public record Principal(String name, Role role) {
  /** Everybody, where nobody is asked who he is. */
  public static final Principal ANYBODY = new Principal("anybody", Role.ADMIN);

  /** Another worker that knows the secret of the cluster. */
  public static final Principal WORKER = new Principal("worker", Role.WORKER);

  public Principal {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(role, "role");
  }
}
