package io.sluice.functions.auth;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.model.InvalidValueException;
import java.math.BigInteger;
import java.security.AlgorithmParameters;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.ECParameterSpec;
import java.security.spec.ECPoint;
import java.security.spec.ECPublicKeySpec;
import java.security.spec.RSAPublicKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;

/**
 * The public keys of an issuer: a JSON Web Key Set (RFC 7517). Taken are RSA keys of 2048 bits and
 * more, for RS256, and EC keys on P-256, for ES256; others, and those for encryption, are left
 * aside.
 */
final class JsonWebKeys {
  /** Most bytes of a set. */
  static final int MAX_BYTES = 1 << 20;

  private static final int MAX_KEYS = 100;
  private static final int LEAST_RSA_BITS = 2048;
  private static final int MOST_RSA_BITS = 8192;
  private static final ObjectMapper JSON = new ObjectMapper();

  /**
   * A key.
   *
   * @param id the {@code kid}, empty for none
   * @param algorithm the one it is for
   */
  record Key(Optional<String> id, String algorithm, PublicKey key) {}

  private final List<Key> keys;

  private JsonWebKeys(List<Key> keys) {
    this.keys = List.copyOf(keys);
  }

  /**
   * Reads a set.
   *
   * @throws InvalidValueException if it is none, or has no key that can be used
   */
  static JsonWebKeys parse(byte[] text) {
    JsonNode set;
    try {
      set = JSON.readTree(text).path("keys");
    } catch (JsonProcessingException e) {
      throw invalid("it is no JSON document");
    } catch (java.io.IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
    if (!set.isArray() || set.size() > MAX_KEYS) {
      throw invalid("it has " + (set.isArray() ? set.size() + " keys" : "no array of keys"));
    }
    List<Key> keys = new ArrayList<>();
    for (JsonNode key : set) {
      read(key).ifPresent(keys::add);
    }
    if (keys.isEmpty()) {
      throw invalid("none of its " + set.size() + " keys is for RS256 or ES256");
    }
    return new JsonWebKeys(keys);
  }

  /** The key that a token names, or the only one there is for its algorithm if it names none. */
  Optional<PublicKey> find(Optional<String> id, String algorithm) {
    List<Key> suitable =
        keys.stream()
            .filter(key -> key.algorithm().equals(algorithm))
            .filter(key -> id.isEmpty() || id.equals(key.id()))
            .toList();
    return suitable.size() == 1 ? Optional.of(suitable.getFirst().key()) : Optional.empty();
  }

  private static Optional<Key> read(JsonNode json) {
    String use = json.path("use").asText("sig");
    String algorithm =
        switch (json.path("kty").asText()) {
          case "RSA" -> "RS256";
          case "EC" -> "ES256";
          default -> "";
        };
    boolean suitable =
        use.equals("sig")
            && !algorithm.isEmpty()
            && json.path("alg").asText(algorithm).equals(algorithm)
            && (algorithm.equals("RS256") || json.path("crv").asText().equals("P-256"));
    if (!suitable) {
      return Optional.empty();
    }
    Optional<String> id =
        json.path("kid").isTextual() ? Optional.of(json.get("kid").textValue()) : Optional.empty();
    try {
      PublicKey key = algorithm.equals("RS256") ? rsa(json) : ec(json);
      return Optional.of(new Key(id, algorithm, key));
    } catch (GeneralSecurityException e) {
      throw invalid("the key '" + id.orElse("") + "' is broken: " + e.getMessage());
    }
  }

  private static PublicKey rsa(JsonNode json) throws GeneralSecurityException {
    BigInteger modulus = number(json, "n");
    int bits = modulus.bitLength();
    if (bits < LEAST_RSA_BITS || bits > MOST_RSA_BITS) {
      throw invalid(
          "an RSA key has " + LEAST_RSA_BITS + " to " + MOST_RSA_BITS + " bits, got " + bits);
    }
    return KeyFactory.getInstance("RSA")
        .generatePublic(new RSAPublicKeySpec(modulus, number(json, "e")));
  }

  private static PublicKey ec(JsonNode json) throws GeneralSecurityException {
    AlgorithmParameters curve = AlgorithmParameters.getInstance("EC");
    curve.init(new ECGenParameterSpec("secp256r1"));
    ECPoint point = new ECPoint(number(json, "x"), number(json, "y"));
    return KeyFactory.getInstance("EC")
        .generatePublic(new ECPublicKeySpec(point, curve.getParameterSpec(ECParameterSpec.class)));
  }

  private static BigInteger number(JsonNode json, String field) {
    String text = json.path(field).asText();
    if (text.isEmpty() || text.length() > MOST_RSA_BITS / 4) {
      throw invalid("a key has no number '" + field + "'");
    }
    try {
      return new BigInteger(1, Base64.getUrlDecoder().decode(text));
    } catch (IllegalArgumentException e) {
      throw invalid("the number '" + field + "' of a key is not in base64url");
    }
  }

  private static InvalidValueException invalid(String why) {
    return new InvalidValueException("auth-keys-invalid", "the set of keys is not usable: " + why);
  }
}
