package io.sluice.functions.auth;

import io.sluice.model.InvalidValueException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Base64;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * How workers know each other: a secret that all of them have, which signs each request with its
 * time. The secret itself is never sent, and what is sent is good for one method and path for
 * {@value #SECONDS} seconds. It does not cover the body: who can change bytes on the wire is kept
 * out by TLS or by the network, not by this.
 */
public final class ClusterKey {
  /** The scheme in the header {@code Authorization}. */
  public static final String SCHEME = "Sluice-Worker";

  /** Least characters of a secret. */
  public static final int LEAST = 32;

  private static final long SECONDS = 60;
  private static final String ALGORITHM = "HmacSHA256";
  private static final Pattern SIGNED = Pattern.compile("v1\\.([0-9]{1,12})\\.([A-Za-z0-9_-]{43})");

  private final SecretKeySpec key;
  private final InstantSource clock;

  /**
   * @param secret at least {@value #LEAST} characters
   */
  public ClusterKey(String secret, InstantSource clock) {
    if (secret.length() < LEAST) {
      throw new InvalidValueException(
          "cluster-secret-invalid",
          "the secret of the workers has at least "
              + LEAST
              + " characters, got "
              + secret.length());
    }
    this.key = new SecretKeySpec(secret.getBytes(StandardCharsets.UTF_8), ALGORITHM);
    this.clock = clock;
  }

  /** How long a signature counts before and after its time. */
  public static Duration validity() {
    return Duration.ofSeconds(SECONDS);
  }

  /** The value of {@code Authorization} for a request to another worker. */
  public String authorization(String method, String path) {
    long now = clock.instant().getEpochSecond();
    return SCHEME + " v1." + now + "." + text(sign(now, method, path));
  }

  /** Whether a worker has signed this request just now. */
  boolean accepts(String credentials, String method, String path) {
    Matcher signed = SIGNED.matcher(credentials);
    if (!signed.matches()) {
      return false;
    }
    long time = Long.parseLong(signed.group(1));
    boolean genuine =
        MessageDigest.isEqual(
            text(sign(time, method, path)).getBytes(StandardCharsets.US_ASCII),
            signed.group(2).getBytes(StandardCharsets.US_ASCII));
    return genuine && Math.abs(clock.instant().getEpochSecond() - time) <= SECONDS;
  }

  private byte[] sign(long time, String method, String path) {
    try {
      Mac mac = Mac.getInstance(ALGORITHM);
      mac.init(key);
      return mac.doFinal(
          ("v1\n" + time + "\n" + method + "\n" + path).getBytes(StandardCharsets.UTF_8));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this Java has no " + ALGORITHM, e);
    }
  }

  private static String text(byte[] signature) {
    return Base64.getUrlEncoder().withoutPadding().encodeToString(signature);
  }
}
