package io.sluice.http;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BiConsumer;

/** Header fields in their order; names are compared without regard to case. Not thread-safe. */
public final class HttpHeaders {
  private final List<String> pairs = new ArrayList<>(24);

  /**
   * Adds a field.
   *
   * @throws IllegalArgumentException if the name is no token or the value has a control character
   */
  public HttpHeaders add(String name, String value) {
    if (!isToken(name)) {
      throw new IllegalArgumentException("'" + printable(name) + "' is no name of a header");
    }
    for (int i = 0; i < value.length(); i++) {
      char c = value.charAt(i);
      if ((c < ' ' && c != '\t') || c == 0x7f || c > 0xff) {
        throw new IllegalArgumentException(
            "header '" + name + "' has the character " + (int) c + " in its value");
      }
    }
    pairs.add(name);
    pairs.add(value);
    return this;
  }

  /** The first value under a name. */
  public Optional<String> first(String name) {
    for (int i = 0; i < pairs.size(); i += 2) {
      if (pairs.get(i).equalsIgnoreCase(name)) {
        return Optional.of(pairs.get(i + 1));
      }
    }
    return Optional.empty();
  }

  /** All values under a name, in their order. */
  public List<String> all(String name) {
    List<String> values = new ArrayList<>(1);
    for (int i = 0; i < pairs.size(); i += 2) {
      if (pairs.get(i).equalsIgnoreCase(name)) {
        values.add(pairs.get(i + 1));
      }
    }
    return values;
  }

  /** Whether one of the comma-separated values under a name is this token. */
  public boolean names(String name, String token) {
    for (int i = 0; i < pairs.size(); i += 2) {
      if (pairs.get(i).equalsIgnoreCase(name)) {
        for (String part : pairs.get(i + 1).split(",", -1)) {
          if (part.strip().equalsIgnoreCase(token)) {
            return true;
          }
        }
      }
    }
    return false;
  }

  /** Calls with each name and value. */
  public void forEach(BiConsumer<String, String> each) {
    for (int i = 0; i < pairs.size(); i += 2) {
      each.accept(pairs.get(i), pairs.get(i + 1));
    }
  }

  /** Number of fields. */
  public int size() {
    return pairs.size() / 2;
  }

  /** Whether a text is a token of RFC 9110, section 5.6.2. */
  static boolean isToken(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      boolean plain =
          (c >= 'a' && c <= 'z')
              || (c >= 'A' && c <= 'Z')
              || (c >= '0' && c <= '9')
              || "!#$%&'*+-.^_`|~".indexOf(c) >= 0;
      if (!plain) {
        return false;
      }
    }
    return !text.isEmpty();
  }

  private static String printable(String text) {
    return text.replaceAll("[^ -~]", "?");
  }

  /** Names only: values may be secrets. */
  @Override
  public String toString() {
    StringBuilder names = new StringBuilder("HttpHeaders[");
    for (int i = 0; i < pairs.size(); i += 2) {
      names.append(i == 0 ? "" : ", ").append(pairs.get(i));
    }
    return names.append(']').toString();
  }
}
