package io.sluice.redis;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Objects;

/**
 * A Lua script, which Redis runs atomically.
 *
 * @param name what errors call it
 * @param source the Lua text
 * @param sha1 SHA-1 of the text in hex: what EVALSHA calls it
 */
public record Script(String name, String source, String sha1) {
  public Script {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(source, "source");
    Objects.requireNonNull(sha1, "sha1");
  }

  /** A script made of parts that share their local variables. */
  public static Script of(String name, String... parts) {
    String source = String.join("\n", parts);
    return new Script(name, source, sha1(source));
  }

  private static String sha1(String source) {
    try {
      byte[] hash =
          MessageDigest.getInstance("SHA-1").digest(source.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(hash);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-1", e);
    }
  }
}
