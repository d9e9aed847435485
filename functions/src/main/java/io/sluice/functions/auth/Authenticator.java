package io.sluice.functions.auth;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Finds out who calls, by what he shows in {@code Authorization}. */
public final class Authenticator {
  private static final Pattern SHOWN =
      Pattern.compile("(?i:(Bearer|" + ClusterKey.SCHEME + ")) +([!-~]+)");

  private final StaticTokens tokens;
  private final Optional<JwtVerifier> jwt;
  private final ClusterKey cluster;

  /**
   * @param jwt tokens of an issuer, if they count
   * @param cluster how workers know each other
   */
  public Authenticator(StaticTokens tokens, Optional<JwtVerifier> jwt, ClusterKey cluster) {
    this.tokens = tokens;
    this.jwt = jwt;
    this.cluster = cluster;
  }

  /**
   * Who calls, as far as that can be told without waiting for anybody.
   *
   * @param shown the header, null if there is none
   * @param method of the request
   * @param path of the request, normalized
   * @return empty if {@link #verify} has to be asked
   * @throws AuthenticationException if he is nobody
   */
  public Optional<Principal> find(String shown, String method, String path) {
    if (shown == null) {
      throw AuthenticationException.missing();
    }
    Matcher matcher = matched(shown);
    String credentials = matcher.group(2);
    if (matcher.group(1).equalsIgnoreCase(ClusterKey.SCHEME)) {
      if (!cluster.accepts(credentials, method, path)) {
        throw AuthenticationException.invalid(
            "the signature is not that of a worker of this cluster, now and for this request");
      }
      return Optional.of(Principal.WORKER);
    }
    Optional<Principal> known = tokens.find(credentials);
    if (known.isPresent()) {
      return known;
    }
    if (jwt.isPresent() && JwtVerifier.looksLikeOne(credentials)) {
      return Optional.empty();
    }
    throw AuthenticationException.invalid("nobody has this token");
  }

  /** Who calls, by a token of the issuer; may wait for the issuer's keys. */
  public Principal verify(String shown) {
    return jwt.orElseThrow().verify(matched(shown).group(2));
  }

  private static Matcher matched(String shown) {
    Matcher matcher = SHOWN.matcher(shown);
    if (!matcher.matches()) {
      throw AuthenticationException.invalid("what is shown is not 'Authorization: Bearer …'");
    }
    return matcher;
  }
}
