package io.sluice.functions.auth;

import java.util.Objects;
import java.util.Optional;

/**
 * Whether callers have to prove who they are.
 *
 * @param authenticator asks them; empty if everybody may do everything
 */
public record AccessPolicy(Optional<Authenticator> authenticator) {
  public AccessPolicy {
    Objects.requireNonNull(authenticator, "authenticator");
  }
}
