package io.sluice.functions.auth;

import io.sluice.model.Digest;
import io.sluice.model.InvalidValueException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Tokens that are configured, of which only the SHA-256 is known here: whoever reads the
 * configuration cannot call. A name may have several tokens, so that one can follow another.
 */
public final class StaticTokens {
  private static final Pattern LINE =
      Pattern.compile("([A-Za-z0-9][A-Za-z0-9._-]{0,63}):([a-z]+):([0-9a-f]{64})");

  private record Known(Principal principal, byte[] digest) {}

  private final List<Known> known;

  private StaticTokens(List<Known> known) {
    this.known = List.copyOf(known);
  }

  /**
   * Reads tokens.
   *
   * @param lines {@code name:role:sha256}, the digest in lower-case hexadecimal digits
   * @throws InvalidValueException that names the line by its number
   */
  public static StaticTokens parse(List<String> lines) {
    List<Known> known = new ArrayList<>();
    for (int i = 0; i < lines.size(); i++) {
      Matcher line = LINE.matcher(lines.get(i).strip());
      if (!line.matches()) {
        throw new InvalidValueException(
            "auth-token-invalid",
            "token %d of %d is not name:role:sha256 with a digest of 64 hexadecimal digits"
                .formatted(i + 1, lines.size()));
      }
      known.add(
          new Known(
              new Principal("token:" + line.group(1), Role.parse(line.group(2))),
              HexFormat.of().parseHex(line.group(3))));
    }
    return new StaticTokens(known);
  }

  /** The line that lets a token in. */
  public static String line(String name, Role role, String token) {
    String line = name + ":" + role.text() + ":" + HexFormat.of().formatHex(digest(token));
    if (!LINE.matcher(line).matches()) {
      throw new InvalidValueException(
          "auth-token-invalid",
          "the name of a token is 1 to 64 letters, digits, '.', '_' and '-', got '" + name + "'");
    }
    return line;
  }

  /** Whether there is none. */
  public boolean isEmpty() {
    return known.isEmpty();
  }

  /** Who has this token. Takes as long for each of them as for none. */
  public Optional<Principal> find(String token) {
    byte[] digest = digest(token);
    Principal found = null;
    for (Known one : known) {
      if (MessageDigest.isEqual(one.digest(), digest)) {
        found = one.principal();
      }
    }
    return Optional.ofNullable(found);
  }

  private static byte[] digest(String token) {
    return Digest.hasher().digest(token.getBytes(StandardCharsets.UTF_8));
  }
}
