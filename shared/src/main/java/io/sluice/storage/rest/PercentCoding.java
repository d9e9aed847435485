package io.sluice.storage.rest;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;

/** Percent-encoding of parts of a request's target (RFC 3986, section 2.1). */
public final class PercentCoding {
  private static final String UNRESERVED = "-._~";

  private PercentCoding() {}

  /** Everything but letters, digits and {@code -._~} as {@code %XX} of its UTF-8. */
  public static String encode(String text) {
    return encode(text, "");
  }

  /** The same, of a path: slashes stay. */
  public static String encodePath(String path) {
    return encode(path, "/");
  }

  private static String encode(String text, String alsoKept) {
    StringBuilder result = new StringBuilder(text.length() + 16);
    for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
      char c = (char) (b & 0xff);
      boolean kept =
          (c >= 'a' && c <= 'z')
              || (c >= 'A' && c <= 'Z')
              || (c >= '0' && c <= '9')
              || UNRESERVED.indexOf(c) >= 0
              || alsoKept.indexOf(c) >= 0;
      if (kept) {
        result.append(c);
      } else {
        result.append('%').append(HexFormat.of().withUpperCase().toHexDigits(b));
      }
    }
    return result.toString();
  }
}
