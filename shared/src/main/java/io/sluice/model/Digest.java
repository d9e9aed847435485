package io.sluice.model;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Objects;

/**
 * A SHA-256 digest (FIPS 180-4), written {@code sha256:<64 lower-case hex digits>}.
 *
 * @param hex the 64 lower-case hex digits
 */
public record Digest(String hex) implements Comparable<Digest> {
  private static final String PREFIX = "sha256:";

  public Digest {
    Objects.requireNonNull(hex, "hex");
    if (hex.length() != 64 || !isLowerHex(hex)) {
      throw new InvalidValueException(
          "digest-invalid",
          "a digest has 64 lower-case hex digits after 'sha256:', got '" + shorten(hex) + "'");
    }
  }

  /** Reads {@code sha256:<hex>}. */
  public static Digest parse(String text) {
    Objects.requireNonNull(text, "text");
    if (!text.startsWith(PREFIX)) {
      throw new InvalidValueException(
          "digest-invalid", "a digest starts with 'sha256:', got '" + shorten(text) + "'");
    }
    return new Digest(text.substring(PREFIX.length()));
  }

  /** Wraps the 32 bytes of a finished SHA-256. */
  public static Digest of(byte[] sha256) {
    return new Digest(HexFormat.of().formatHex(sha256));
  }

  /** Hashes the bytes. */
  public static Digest sha256(byte[] bytes) {
    return of(hasher().digest(bytes));
  }

  /** A new SHA-256, which every Java platform has. */
  public static MessageDigest hasher() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  /** The first 12 hex digits: for people, never for keys. */
  public String shortHex() {
    return hex.substring(0, 12);
  }

  @Override
  public int compareTo(Digest other) {
    return hex.compareTo(other.hex);
  }

  @Override
  public String toString() {
    return PREFIX + hex;
  }

  private static boolean isLowerHex(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if ((c < '0' || c > '9') && (c < 'a' || c > 'f')) {
        return false;
      }
    }
    return true;
  }

  private static String shorten(String text) {
    return text.length() <= 80 ? text : text.substring(0, 80) + "…";
  }
}
