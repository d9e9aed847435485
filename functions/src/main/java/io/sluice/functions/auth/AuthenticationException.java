package io.sluice.functions.auth;

import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;

/** Somebody has not proved who he is. The message never repeats what he has sent. */
public final class AuthenticationException extends SluiceException {
  private static final long serialVersionUID = 1L;

  private AuthenticationException(String code, String message) {
    super(ErrorKind.FORBIDDEN, code, message);
  }

  /** Nothing was shown. */
  static AuthenticationException missing() {
    return new AuthenticationException(
        "token-missing", "this needs a token: 'Authorization: Bearer …'");
  }

  /** What was shown is worth nothing. */
  static AuthenticationException invalid(String why) {
    return new AuthenticationException("token-invalid", why);
  }

  /** What was shown was worth something once. */
  static AuthenticationException expired(String why) {
    return new AuthenticationException("token-expired", why);
  }
}
