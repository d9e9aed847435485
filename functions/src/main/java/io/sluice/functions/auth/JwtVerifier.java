package io.sluice.functions.auth;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.PublicKey;
import java.security.Signature;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.function.LongSupplier;
import java.util.regex.Pattern;
import java.util.stream.StreamSupport;

/**
 * Checks JSON Web Tokens (RFC 7519, RFC 8725): signed by a key of the issuer with RS256 or ES256,
 * for this audience, not over. The algorithm is what the key is for; what a token says of it must
 * agree.
 */
public final class JwtVerifier {
  /** Longest token in characters. */
  static final int MAX_LENGTH = 8 << 10;

  private static final Duration SKEW = Duration.ofSeconds(30);
  private static final Pattern COMPACT =
      Pattern.compile("([A-Za-z0-9_-]+)\\.([A-Za-z0-9_-]+)\\.([A-Za-z0-9_-]+)");
  private static final int ES256_BYTES = 64;

  private static final ObjectMapper JSON =
      new ObjectMapper()
          .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  private final JwtSettings settings;
  private final KeySource source;
  private final InstantSource clock;

  /**
   * @param clock tells whether a token is over
   * @param nanos tells how old keys are
   */
  public JwtVerifier(JwtSettings settings, InstantSource clock, LongSupplier nanos) {
    this.settings = settings;
    this.clock = clock;
    this.source = new KeySource(settings.issuer(), settings.keys(), settings.refresh(), nanos);
  }

  /** Whether a text has the form of a signed token. */
  static boolean looksLikeOne(String token) {
    return COMPACT.matcher(token).matches();
  }

  /**
   * Who a token is about; may wait for the keys of the issuer.
   *
   * @throws AuthenticationException if the token does not count
   * @throws io.sluice.model.SluiceException TRANSIENT if the keys cannot be had
   */
  Principal verify(String token) {
    if (token.length() > MAX_LENGTH) {
      throw AuthenticationException.invalid(
          "a token has at most " + MAX_LENGTH + " characters, got " + token.length());
    }
    String[] parts = token.split("\\.", -1);
    JsonNode header = object(parts[0]);
    String algorithm = header.path("alg").asText();
    if (!algorithm.equals("RS256") && !algorithm.equals("ES256")) {
      throw AuthenticationException.invalid("a token is signed with RS256 or ES256");
    }
    if (header.has("crit")) {
      throw AuthenticationException.invalid("the token demands extensions that are not known here");
    }
    Optional<String> id =
        header.path("kid").isTextual() ? Optional.of(header.get("kid").textValue()) : none(header);
    PublicKey key =
        source
            .keys()
            .find(id, algorithm)
            .or(() -> source.newer().find(id, algorithm))
            .orElseThrow(
                () -> AuthenticationException.invalid("the token names no key of its issuer"));
    byte[] signed =
        (parts[0] + "." + parts[1]).getBytes(java.nio.charset.StandardCharsets.US_ASCII);
    if (!genuine(algorithm, key, signed, bytes(parts[2]))) {
      throw AuthenticationException.invalid("the signature of the token is wrong");
    }
    JsonNode claims = object(parts[1]);
    checkClaims(claims);
    return new Principal("jwt:" + subject(claims), role(claims));
  }

  private static Optional<String> none(JsonNode header) {
    if (header.has("kid")) {
      throw AuthenticationException.invalid("the kid of a token is a text");
    }
    return Optional.empty();
  }

  private static boolean genuine(String algorithm, PublicKey key, byte[] signed, byte[] signature) {
    if (algorithm.equals("ES256") && signature.length != ES256_BYTES) {
      return false;
    }
    try {
      Signature check =
          Signature.getInstance(
              algorithm.equals("RS256") ? "SHA256withRSA" : "SHA256withECDSAinP1363Format");
      check.initVerify(key);
      check.update(signed);
      return check.verify(signature);
    } catch (java.security.SignatureException e) {
      return false; // what is no signature at all
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this Java cannot check " + algorithm, e);
    }
  }

  private void checkClaims(JsonNode claims) {
    if (!claims.path("iss").asText().equals(settings.issuer().toString())) {
      throw AuthenticationException.invalid("the token is of another issuer");
    }
    if (!texts(claims.path("aud")).contains(settings.audience())) {
      throw AuthenticationException.invalid("the token is for another audience");
    }
    long now = clock.instant().getEpochSecond();
    if (!claims.path("exp").isNumber()) {
      throw AuthenticationException.invalid("the token has no end (exp)");
    }
    if (claims.get("exp").doubleValue() <= now - SKEW.toSeconds()) {
      throw AuthenticationException.expired("the token is over");
    }
    JsonNode from = claims.path("nbf");
    if (!from.isMissingNode()
        && !(from.isNumber() && from.doubleValue() <= now + SKEW.toSeconds())) {
      throw AuthenticationException.invalid("the token does not count yet (nbf)");
    }
  }

  private static String subject(JsonNode claims) {
    String subject = claims.path("sub").asText();
    if (subject.isEmpty() || subject.length() > 255 || subject.chars().anyMatch(c -> c < ' ')) {
      throw AuthenticationException.invalid("the token does not say whom it is about (sub)");
    }
    return subject;
  }

  /** The greatest of the roles that the claim names. */
  private Role role(JsonNode claims) {
    JsonNode at = claims;
    for (String name : settings.roleClaim().split("\\.")) {
      at = at.path(name);
    }
    List<String> names = texts(at);
    for (Role role : List.of(Role.ADMIN, Role.WRITE, Role.READ)) {
      if (names.contains(settings.rolePrefix() + role.text())) {
        return role;
      }
    }
    throw AuthenticationException.invalid(
        "the token gives no role: none of '%sread', '%swrite', '%sadmin' in its claim '%s'"
            .formatted(
                settings.rolePrefix(),
                settings.rolePrefix(),
                settings.rolePrefix(),
                settings.roleClaim()));
  }

  /** A text, its words, or a list of texts. */
  private static List<String> texts(JsonNode claim) {
    if (claim.isTextual()) {
      return Arrays.asList(claim.textValue().split(" "));
    }
    return StreamSupport.stream(claim.spliterator(), false)
        .filter(JsonNode::isTextual)
        .map(JsonNode::textValue)
        .toList();
  }

  private static JsonNode object(String part) {
    try {
      JsonNode json = JSON.readTree(bytes(part));
      if (json != null && json.isObject()) {
        return json;
      }
    } catch (IOException e) {
      // told below, without what it says of what was sent
    }
    throw AuthenticationException.invalid("the token is no JSON Web Token");
  }

  private static byte[] bytes(String part) {
    try {
      return Base64.getUrlDecoder().decode(part);
    } catch (IllegalArgumentException e) {
      throw AuthenticationException.invalid("the token is no JSON Web Token");
    }
  }
}
