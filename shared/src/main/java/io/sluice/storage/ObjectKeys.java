package io.sluice.storage;

import java.nio.charset.StandardCharsets;

/**
 * What a key may look like, the same for every store, so that what one store holds fits into any
 * other: segments joined by single slashes, none of them {@code .} or {@code ..}, each at most
 * {@value #MAX_SEGMENT} and all together at most {@value #MAX_KEY} bytes of UTF-8 (the limits of
 * POSIX file names and of S3), without control characters and backslashes.
 */
public final class ObjectKeys {
  /** Longest key in bytes of UTF-8. */
  public static final int MAX_KEY = 1024;

  /** Longest part between two slashes in bytes of UTF-8. */
  public static final int MAX_SEGMENT = 255;

  private ObjectKeys() {}

  /**
   * Checks a key.
   *
   * @return the key
   * @throws StorageException INVALID if no store accepts it
   */
  public static String check(String key) {
    checkText(key);
    int begin = 0;
    while (begin <= key.length()) {
      int slash = key.indexOf('/', begin);
      int end = slash < 0 ? key.length() : slash;
      checkSegment(key, key.substring(begin, end));
      begin = end + 1;
    }
    return key;
  }

  /**
   * Checks the prefix of a listing: the beginning of a key, so it may be empty, end with a slash or
   * stop within a segment.
   *
   * @return the prefix
   * @throws StorageException INVALID if no key could begin so
   */
  public static String checkPrefix(String prefix) {
    if (!prefix.isEmpty()) {
      // With any letter behind it a good prefix is a good key.
      checkText(prefix);
      int last = prefix.lastIndexOf('/') + 1;
      check(prefix.substring(0, last) + "x");
    }
    return prefix;
  }

  private static void checkText(String key) {
    int bytes = key.getBytes(StandardCharsets.UTF_8).length;
    if (bytes > MAX_KEY) {
      throw invalid(key, "has " + bytes + " bytes of UTF-8, at most " + MAX_KEY);
    }
    for (int i = 0; i < key.length(); i++) {
      char c = key.charAt(i);
      if (c == '\\' || Character.isISOControl(c)) {
        throw invalid(key, "contains a control character or backslash at index " + i);
      }
      if (Character.isSurrogate(c)) {
        if (Character.isLowSurrogate(c)
            || i + 1 == key.length()
            || !Character.isLowSurrogate(key.charAt(i + 1))) {
          throw invalid(key, "contains half a surrogate pair at index " + i);
        }
        i++;
      }
    }
  }

  private static void checkSegment(String key, String segment) {
    if (segment.isEmpty()) {
      throw invalid(key, "has an empty part: it is empty or starts, ends or doubles with a slash");
    }
    if (segment.equals(".") || segment.equals("..")) {
      throw invalid(key, "contains the part '" + segment + "'");
    }
    int bytes = segment.getBytes(StandardCharsets.UTF_8).length;
    if (bytes > MAX_SEGMENT) {
      throw invalid(key, "has a part of " + bytes + " bytes of UTF-8, at most " + MAX_SEGMENT);
    }
  }

  private static StorageException invalid(String key, String why) {
    return StorageException.invalid("key-invalid", key, "key '" + printable(key) + "' " + why);
  }

  private static String printable(String key) {
    String head = key.length() <= 120 ? key : key.substring(0, 120) + "…";
    return head.codePoints()
        .collect(
            StringBuilder::new,
            (text, c) -> text.appendCodePoint(Character.isISOControl(c) ? '\uFFFD' : c),
            StringBuilder::append)
        .toString();
  }
}
