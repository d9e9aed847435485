package io.sluice.functions.cli;

import io.sluice.model.InvalidValueException;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A number of bytes as people write it.
 *
 * @param bytes the number, not negative
 */
record ByteSize(long bytes) {
  private static final Pattern TEXT =
      Pattern.compile("([0-9]{1,18})\\s*([kmgt]?)(i?b)?", Pattern.CASE_INSENSITIVE);
  private static final String PREFIXES = "kmgt";

  /** Reads {@code 64MiB}, {@code 64M} (the same), {@code 64MB} (decimal) or {@code 67108864}. */
  static ByteSize parse(String text) {
    Matcher matcher = TEXT.matcher(text.strip());
    if (!matcher.matches()) {
      throw invalid(text);
    }
    int power = matcher.group(2).isEmpty() ? 0 : 1 + PREFIXES.indexOf(lower(matcher.group(2)));
    boolean decimal = matcher.group(3) != null && lower(matcher.group(3)).equals("b");
    try {
      long bytes = Long.parseLong(matcher.group(1));
      for (int i = 0; i < power; i++) {
        bytes = Math.multiplyExact(bytes, decimal ? 1000 : 1024);
      }
      return new ByteSize(bytes);
    } catch (ArithmeticException e) {
      throw invalid(text);
    }
  }

  /** {@code 86.8 MiB}: three digits that count, binary units. */
  static String format(long bytes) {
    if (bytes < 1024) {
      return bytes + " B";
    }
    double value = bytes;
    int power = 0;
    while (value >= 1023.5 && power < PREFIXES.length()) {
      value /= 1024;
      power++;
    }
    String number = String.format(Locale.ROOT, value < 99.95 ? "%.1f" : "%.0f", value);
    return number + " " + Character.toUpperCase(PREFIXES.charAt(power - 1)) + "iB";
  }

  /** {@code 0.52 GB/s}, decimal as rates are; a dash if no time passed. */
  static String rate(long bytes, double seconds) {
    return seconds <= 0 ? "-" : String.format(Locale.ROOT, "%.2f GB/s", bytes / seconds / 1e9);
  }

  private static String lower(String text) {
    return text.toLowerCase(Locale.ROOT);
  }

  private static InvalidValueException invalid(String text) {
    return new InvalidValueException(
        "size-invalid", "a size is a number with KiB, MiB, GiB or TiB, got '" + text + "'");
  }
}
