package io.sluice.functions.auth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.model.InvalidValueException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Configured tokens, the signatures of workers, and rates. */
class CredentialsTest {
  private static final String SECRET = "0123456789abcdef0123456789abcdef";

  private final AtomicReference<Instant> now =
      new AtomicReference<>(Instant.parse("2026-01-02T03:04:05Z"));
  private final InstantSource clock = now::get;

  @Test
  void tokensAreKnownByTheirDigest() {
    StaticTokens tokens =
        StaticTokens.parse(
            List.of(
                StaticTokens.line("ci", Role.WRITE, "one"),
                StaticTokens.line("ci", Role.WRITE, "two"),
                StaticTokens.line("ops", Role.ADMIN, "three")));
    Principal ci = new Principal("token:ci", Role.WRITE);
    assertThat(tokens.find("one")).contains(ci);
    assertThat(tokens.find("two")).contains(ci);
    assertThat(tokens.find("three")).contains(new Principal("token:ops", Role.ADMIN));
    assertThat(tokens.find("four")).isEmpty();
    assertThat(tokens.find("")).isEmpty();
    assertThat(StaticTokens.line("ci", Role.WRITE, "one")).doesNotContain("one");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "ci",
        "ci:write",
        "ci:write:abc",
        "ci:owner:0000000000000000000000000000000000000000000000000000000000000000",
        "ci:worker:0000000000000000000000000000000000000000000000000000000000000000",
        ":read:0000000000000000000000000000000000000000000000000000000000000000",
        "a b:read:0000000000000000000000000000000000000000000000000000000000000000"
      })
  void entriesThatAreWrongAreRefused(String entry) {
    assertThatThrownBy(() -> StaticTokens.parse(List.of(entry)))
        .isInstanceOf(InvalidValueException.class);
  }

  @Test
  void aSignatureIsGoodForOneRequestForAMinute() {
    ClusterKey key = new ClusterKey(SECRET, clock);
    String shown = key.authorization("GET", "/shards/x");
    Authenticator authenticator =
        new Authenticator(StaticTokens.parse(List.of()), Optional.empty(), key);
    assertThat(authenticator.find(shown, "GET", "/shards/x")).contains(Principal.WORKER);
    isRefused(authenticator, shown, "GET", "/shards/y");
    isRefused(authenticator, shown, "POST", "/shards/x");
    String other =
        new ClusterKey(SECRET.replace('0', '1'), clock).authorization("GET", "/shards/x");
    isRefused(authenticator, other, "GET", "/shards/x");
    isRefused(authenticator, "Bearer " + SECRET, "GET", "/shards/x");
    isRefused(authenticator, shown.substring(0, shown.length() - 1), "GET", "/shards/x");
    assertThat(shown).doesNotContain(SECRET);

    now.set(now.get().plus(ClusterKey.validity()));
    assertThat(authenticator.find(shown, "GET", "/shards/x")).contains(Principal.WORKER);
    now.set(now.get().plusSeconds(1));
    isRefused(authenticator, shown, "GET", "/shards/x");
    now.set(now.get().minus(ClusterKey.validity().multipliedBy(2)).minusSeconds(2));
    isRefused(authenticator, shown, "GET", "/shards/x");
    assertThatThrownBy(() -> new ClusterKey("short", clock))
        .isInstanceOf(InvalidValueException.class)
        .hasMessageContaining("32");
  }

  private static void isRefused(
      Authenticator authenticator, String shown, String method, String path) {
    assertThatThrownBy(() -> authenticator.find(shown, method, path))
        .as(shown + " for " + method + " " + path)
        .isInstanceOf(AuthenticationException.class)
        .hasMessageNotContaining(SECRET);
  }

  @Test
  void aRateHasABurstAndComesBack() {
    AtomicLong nanos = new AtomicLong();
    RateLimiter limiter = new RateLimiter(10, nanos::get);
    for (int i = 0; i < 20; i++) {
      assertThat(limiter.take("a")).isEqualTo(Duration.ZERO);
    }
    assertThat(limiter.take("a")).isBetween(Duration.ofMillis(99), Duration.ofMillis(101));
    assertThat(limiter.take("b")).isEqualTo(Duration.ZERO);
    nanos.addAndGet(Duration.ofMillis(101).toNanos());
    assertThat(limiter.take("a")).isEqualTo(Duration.ZERO);
    assertThat(limiter.take("a")).isPositive();
    nanos.addAndGet(Duration.ofHours(1).toNanos());
    for (int i = 0; i < 20; i++) {
      assertThat(limiter.take("a")).isEqualTo(Duration.ZERO);
    }
    assertThat(limiter.take("a")).isPositive();
    RateLimiter unbounded = new RateLimiter(0, nanos::get);
    for (int i = 0; i < 1000; i++) {
      assertThat(unbounded.take("a")).isEqualTo(Duration.ZERO);
    }
  }

  @Test
  void rolesOfPeopleContainEachOtherAndThatOfWorkersNone() {
    for (Role has : Role.values()) {
      for (Role needs : Role.values()) {
        boolean people = has != Role.WORKER && needs != Role.WORKER;
        assertThat(has.covers(needs))
            .as(has + " covers " + needs)
            .isEqualTo(people ? has.ordinal() >= needs.ordinal() : has == needs);
      }
    }
  }
}
