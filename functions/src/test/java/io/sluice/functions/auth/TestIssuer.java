package io.sluice.functions.auth;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.security.interfaces.ECPublicKey;
import java.security.interfaces.RSAPublicKey;
import java.security.spec.ECGenParameterSpec;
import java.time.Instant;
import java.util.Arrays;
import java.util.Base64;

/** Issues tokens as an OpenID provider does, with an RSA key {@code r} and an EC key {@code e}. */
public final class TestIssuer {
  public static final String ISSUER = "https://issuer.example";
  public static final String AUDIENCE = "sluice";

  private final KeyPair rsa;
  private final KeyPair ec;

  public TestIssuer() {
    this(2048);
  }

  private TestIssuer(KeyPair rsa, KeyPair ec) {
    this.rsa = rsa;
    this.ec = ec;
  }

  /** The same issuer for all class loaders of this JVM. */
  public static synchronized TestIssuer shared() {
    Object keys = System.getProperties().get(TestIssuer.class.getName());
    if (keys instanceof KeyPair[] pairs) {
      return new TestIssuer(pairs[0], pairs[1]);
    }
    TestIssuer issuer = new TestIssuer();
    System.getProperties().put(TestIssuer.class.getName(), new KeyPair[] {issuer.rsa, issuer.ec});
    return issuer;
  }

  TestIssuer(int rsaBits) {
    try {
      KeyPairGenerator rsaKeys = KeyPairGenerator.getInstance("RSA");
      rsaKeys.initialize(rsaBits);
      rsa = rsaKeys.generateKeyPair();
      KeyPairGenerator ecKeys = KeyPairGenerator.getInstance("EC");
      ecKeys.initialize(new ECGenParameterSpec("secp256r1"));
      ec = ecKeys.generateKeyPair();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The set of both keys. */
  public String keys() {
    ObjectNode set = object();
    ArrayNode keys = set.putArray("keys");
    RSAPublicKey r = (RSAPublicKey) rsa.getPublic();
    keys.addObject()
        .put("kty", "RSA")
        .put("use", "sig")
        .put("kid", "r")
        .put("n", base64(unsigned(r.getModulus(), (r.getModulus().bitLength() + 7) / 8)))
        .put("e", base64(r.getPublicExponent().toByteArray()));
    ECPublicKey e = (ECPublicKey) ec.getPublic();
    keys.addObject()
        .put("kty", "EC")
        .put("crv", "P-256")
        .put("kid", "e")
        .put("x", base64(unsigned(e.getW().getAffineX(), 32)))
        .put("y", base64(unsigned(e.getW().getAffineY(), 32)));
    keys.addObject().put("kty", "oct").put("kid", "o").put("k", "c2VjcmV0");
    return set.toString();
  }

  /** Claims that count for five minutes from then on. */
  public static ObjectNode claims(String subject, String role, Instant now) {
    ObjectNode claims =
        object()
            .put("iss", ISSUER)
            .put("aud", AUDIENCE)
            .put("sub", subject)
            .put("exp", now.plusSeconds(300).getEpochSecond());
    claims.putArray("roles").add("something-else").add("sluice-" + role);
    return claims;
  }

  static ObjectNode header(String algorithm, String key) {
    return object().put("alg", algorithm).put("kid", key).put("typ", "JWT");
  }

  public String rs256(ObjectNode claims) {
    return sign(header("RS256", "r"), claims.toString());
  }

  public String es256(ObjectNode claims) {
    return sign(header("ES256", "e"), claims.toString());
  }

  /** Signed with the key that suits the algorithm of the header, RSA if none does. */
  String sign(ObjectNode header, String claims) {
    String signed = base64(utf8(header.toString())) + "." + base64(utf8(claims));
    boolean elliptic = header.path("alg").asText().equals("ES256");
    try {
      Signature signature =
          Signature.getInstance(elliptic ? "SHA256withECDSAinP1363Format" : "SHA256withRSA");
      signature.initSign((elliptic ? ec : rsa).getPrivate());
      signature.update(utf8(signed));
      return signed + "." + base64(signature.sign());
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  RSAPublicKey rsaKey() {
    return (RSAPublicKey) rsa.getPublic();
  }

  static String base64(byte[] bytes) {
    return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
  }

  static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static byte[] unsigned(BigInteger number, int length) {
    byte[] bytes = number.toByteArray();
    byte[] padded = new byte[length];
    int from = Math.max(0, bytes.length - length);
    System.arraycopy(bytes, from, padded, length - (bytes.length - from), bytes.length - from);
    return Arrays.copyOf(padded, length);
  }

  private static ObjectNode object() {
    return JsonNodeFactory.instance.objectNode();
  }
}
