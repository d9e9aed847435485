package io.sluice.functions.auth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpServer;
import io.sluice.model.InvalidValueException;
import io.sluice.model.SluiceException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tokens that count, and all that do not. */
class JwtVerifierTest {
  private static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");
  private static final TestIssuer ISSUER = new TestIssuer();

  @TempDir Path folder;
  private final AtomicLong nanos = new AtomicLong();

  private JwtVerifier verifier(String keys, URI issuer, String claim, String prefix) {
    return new JwtVerifier(
        new JwtSettings(
            issuer,
            TestIssuer.AUDIENCE,
            Optional.ofNullable(keys),
            claim,
            prefix,
            Duration.ofMinutes(10)),
        InstantSource.fixed(NOW),
        nanos::get);
  }

  private JwtVerifier verifier() {
    return verifier(
        file(ISSUER.keys()).toString(), URI.create(TestIssuer.ISSUER), "roles", "sluice-");
  }

  private Path file(String keys) {
    try {
      return Files.writeString(folder.resolve("keys.json"), keys);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private static ObjectNode claims() {
    return TestIssuer.claims("alice", "write", NOW);
  }

  private void isRefused(String token, String code, String why) {
    JwtVerifier verifier = verifier();
    AuthenticationException refused =
        catchThrowableOfType(AuthenticationException.class, () -> verifier.verify(token));
    assertThat(refused).as(why).isNotNull();
    assertThat(refused.code()).as(why).isEqualTo(code);
    assertThat(refused.getMessage()).contains(why);
  }

  @Test
  void bothAlgorithmsCount() {
    Principal alice = new Principal("jwt:alice", Role.WRITE);
    assertThat(verifier().verify(ISSUER.rs256(claims()))).isEqualTo(alice);
    assertThat(verifier().verify(ISSUER.es256(claims()))).isEqualTo(alice);
    ObjectNode list = claims();
    list.putArray("aud").add("other").add(TestIssuer.AUDIENCE);
    assertThat(verifier().verify(ISSUER.es256(list))).isEqualTo(alice);
  }

  @Test
  void theGreatestRoleCountsWhereverItStands() {
    ObjectNode claims = claims();
    claims.putArray("roles").add("sluice-read").add("sluice-admin").add("sluice-write").add(7);
    assertThat(verifier().verify(ISSUER.rs256(claims)).role()).isEqualTo(Role.ADMIN);
    claims.putObject("realm_access").putArray("roles").add("read");
    String keys = file(ISSUER.keys()).toString();
    URI issuer = URI.create(TestIssuer.ISSUER);
    assertThat(verifier(keys, issuer, "realm_access.roles", "").verify(ISSUER.rs256(claims)).role())
        .isEqualTo(Role.READ);
    claims.put("scope", "openid sluice:write");
    assertThat(verifier(keys, issuer, "scope", "sluice:").verify(ISSUER.rs256(claims)).role())
        .isEqualTo(Role.WRITE);
    claims.put("scope", "openid sluice:worker");
    JwtVerifier scoped = verifier(keys, issuer, "scope", "sluice:");
    assertThatThrownBy(() -> scoped.verify(ISSUER.rs256(claims)))
        .isInstanceOf(AuthenticationException.class)
        .hasMessageContaining("gives no role");
  }

  @Test
  void claimsThatAreWrongAreRefused() {
    isRefused(
        ISSUER.rs256(claims().put("exp", NOW.minusSeconds(31).getEpochSecond())),
        "token-expired",
        "over");
    ObjectNode endless = claims();
    endless.remove("exp");
    isRefused(ISSUER.rs256(endless), "token-invalid", "no end");
    isRefused(ISSUER.rs256(claims().put("exp", "2099")), "token-invalid", "no end");
    isRefused(
        ISSUER.rs256(claims().put("nbf", NOW.plusSeconds(60).getEpochSecond())),
        "token-invalid",
        "not count yet");
    isRefused(ISSUER.rs256(claims().put("iss", "https://evil.example")), "token-invalid", "issuer");
    isRefused(ISSUER.rs256(claims().put("aud", "other")), "token-invalid", "audience");
    isRefused(ISSUER.rs256(claims().put("sub", "")), "token-invalid", "sub");
    isRefused(ISSUER.rs256(claims().put("sub", "a\nb")), "token-invalid", "sub");
    isRefused(ISSUER.rs256(claims().put("roles", "none")), "token-invalid", "gives no role");
  }

  @Test
  void anExpiredTokenCountsForAMomentMore() {
    ObjectNode late = claims().put("exp", NOW.minusSeconds(29).getEpochSecond());
    assertThat(verifier().verify(ISSUER.rs256(late)).role()).isEqualTo(Role.WRITE);
  }

  @Test
  void signaturesThatAreWrongAreRefused() throws Exception {
    String token = ISSUER.rs256(claims());
    String[] parts = token.split("\\.");
    String admin =
        TestIssuer.base64(TestIssuer.utf8(TestIssuer.claims("alice", "admin", NOW).toString()));
    isRefused(parts[0] + "." + admin + "." + parts[2], "token-invalid", "signature");
    isRefused(parts[0] + "." + parts[1] + ".AAAA", "token-invalid", "signature");
    isRefused(new TestIssuer().rs256(claims()), "token-invalid", "signature");
    isRefused(new TestIssuer().es256(claims()), "token-invalid", "signature");
    String[] es = ISSUER.es256(claims()).split("\\.");
    String zeros = TestIssuer.base64(new byte[64]);
    isRefused(es[0] + "." + es[1] + "." + zeros, "token-invalid", "signature");
    String der = TestIssuer.base64(Arrays.copyOf(new byte[] {0x30, 0x06}, 72));
    isRefused(es[0] + "." + es[1] + "." + der, "token-invalid", "signature");
  }

  @Test
  void noOtherAlgorithmCounts() throws Exception {
    for (String algorithm : new String[] {"none", "None", "HS256", "RS512", "PS256", "", "EdDSA"}) {
      ObjectNode header = TestIssuer.header(algorithm, "r");
      isRefused(ISSUER.sign(header, claims().toString()), "token-invalid", "RS256 or ES256");
    }
    // The public key as the secret of a symmetric signature.
    String signed =
        TestIssuer.base64(TestIssuer.utf8(TestIssuer.header("HS256", "r").toString()))
            + "."
            + TestIssuer.base64(TestIssuer.utf8(claims().toString()));
    Mac mac = Mac.getInstance("HmacSHA256");
    mac.init(new SecretKeySpec(ISSUER.rsaKey().getEncoded(), "HmacSHA256"));
    String confused = signed + "." + TestIssuer.base64(mac.doFinal(TestIssuer.utf8(signed)));
    isRefused(confused, "token-invalid", "RS256 or ES256");
    // A key is for one algorithm.
    isRefused(
        ISSUER.sign(TestIssuer.header("ES256", "r"), claims().toString()),
        "token-invalid",
        "names no key");
    isRefused(
        ISSUER.sign(TestIssuer.header("RS256", "o"), claims().toString()),
        "token-invalid",
        "names no key");
  }

  @Test
  void formsThatAreWrongAreRefused() {
    ObjectNode critical = TestIssuer.header("RS256", "r");
    critical.putArray("crit").add("exp");
    isRefused(ISSUER.sign(critical, claims().toString()), "token-invalid", "extensions");
    isRefused(
        ISSUER.sign(TestIssuer.header("RS256", "r").put("kid", 7), claims().toString()),
        "token-invalid",
        "kid");
    String twice = claims().toString().replaceFirst("\\{", "{\"iss\":\"x\",");
    isRefused(
        ISSUER.sign(TestIssuer.header("RS256", "r"), twice), "token-invalid", "no JSON Web Token");
    isRefused("a.b.c", "token-invalid", "no JSON Web Token");
    isRefused(ISSUER.rs256(claims().put("x", "x".repeat(9000))), "token-invalid", "8192");
    assertThat(JwtVerifier.looksLikeOne("a.b")).isFalse();
    assertThat(JwtVerifier.looksLikeOne("a.b.c.d")).isFalse();
    assertThat(JwtVerifier.looksLikeOne("a..c")).isFalse();
    assertThat(JwtVerifier.looksLikeOne(ISSUER.rs256(claims()))).isTrue();
  }

  @Test
  void keysThatCannotBeUsedAreToldAtOnce() {
    for (String keys :
        new String[] {
          "not JSON",
          "{}",
          "{\"keys\":[]}",
          "{\"keys\":[{\"kty\":\"oct\",\"k\":\"eA\"}]}",
          "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}]}",
          "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"*\",\"e\":\"AQAB\"}]}",
          new TestIssuer(1024).keys(),
        }) {
      file(keys);
      assertThatThrownBy(this::verifierOfFile)
          .as(keys)
          .isInstanceOf(InvalidValueException.class)
          .hasMessageContaining("set of keys");
    }
    assertThatThrownBy(
            () -> verifier(folder.resolve("no").toString(), URI.create("https://i"), "r", ""))
        .isInstanceOf(InvalidValueException.class)
        .hasMessageContaining("cannot be read");
  }

  private JwtVerifier verifierOfFile() {
    String keys = folder.resolve("keys.json").toString();
    return verifier(keys, URI.create(TestIssuer.ISSUER), "roles", "sluice-");
  }

  @Test
  void keysComeFromTheIssuerAndAreFoundAgainWhenTheyChange() throws IOException {
    AtomicReference<String> keys = new AtomicReference<>(ISSUER.keys());
    AtomicInteger asked = new AtomicInteger();
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 64);
    String base = "http://127.0.0.1:" + server.getAddress().getPort();
    server.createContext(
        "/",
        exchange -> {
          String path = exchange.getRequestURI().getPath();
          String answer =
              path.equals("/.well-known/openid-configuration")
                  ? "{\"issuer\":\"" + base + "\",\"jwks_uri\":\"" + base + "/keys\"}"
                  : keys.get();
          asked.incrementAndGet();
          exchange.sendResponseHeaders(keys.get().isEmpty() ? 500 : 200, answer.length());
          exchange.getResponseBody().write(TestIssuer.utf8(answer));
          exchange.close();
        });
    server.start();
    try {
      JwtVerifier verifier = verifier(null, URI.create(base), "roles", "sluice-");
      ObjectNode claims = claims().put("iss", base);
      keys.set("");
      assertThatThrownBy(() -> verifier.verify(ISSUER.rs256(claims)))
          .isInstanceOf(SluiceException.class)
          .satisfies(
              e -> assertThat(((SluiceException) e).code()).isEqualTo("auth-keys-unavailable"));
      keys.set(ISSUER.keys());
      assertThat(verifier.verify(ISSUER.rs256(claims)).name()).isEqualTo("jwt:alice");
      int before = asked.get();
      assertThat(verifier.verify(ISSUER.es256(claims)).name()).isEqualTo("jwt:alice");
      assertThat(asked).hasValue(before);

      // New keys of other names: asked for when a token names one, at most every ten seconds.
      TestIssuer next = new TestIssuer();
      keys.set(next.keys().replace("\"r\"", "\"r2\""));
      String token = next.sign(TestIssuer.header("RS256", "r2"), claims.toString());
      assertThatThrownBy(() -> verifier.verify(token)).hasMessageContaining("names no key");
      assertThat(asked).hasValue(before);
      nanos.addAndGet(Duration.ofSeconds(11).toNanos());
      assertThat(verifier.verify(token).name()).isEqualTo("jwt:alice");
      assertThatThrownBy(() -> verifier.verify(ISSUER.rs256(claims)))
          .isInstanceOf(AuthenticationException.class);

      // An issuer that is away keeps nobody out who was in.
      keys.set("");
      nanos.addAndGet(Duration.ofMinutes(11).toNanos());
      assertThat(verifier.verify(token).name()).isEqualTo("jwt:alice");
    } finally {
      server.stop(0);
    }
  }

  @Test
  void keysAreReadByHttpsOnly() {
    JwtVerifier plain =
        verifier("http://keys.example/jwks", URI.create(TestIssuer.ISSUER), "roles", "sluice-");
    assertThatThrownBy(() -> plain.verify(ISSUER.rs256(claims())))
        .isInstanceOf(SluiceException.class)
        .hasMessageContaining("https only");
  }
}
