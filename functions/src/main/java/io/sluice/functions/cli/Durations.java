package io.sluice.functions.cli;

import io.sluice.model.InvalidValueException;
import java.time.DateTimeException;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Times as people write them. */
final class Durations {
  private static final Pattern TEXT = Pattern.compile("([0-9]{1,9})(s|m|h|d)");

  private Durations() {}

  /**
   * Reads {@code 90s}, {@code 15m}, {@code 24h}, {@code 7d} or ISO-8601 such as {@code PT1H30M}.
   */
  static Duration parse(String text) {
    Matcher matcher = TEXT.matcher(text);
    if (matcher.matches()) {
      long number = Long.parseLong(matcher.group(1));
      return switch (matcher.group(2)) {
        case "s" -> Duration.ofSeconds(number);
        case "m" -> Duration.ofMinutes(number);
        case "h" -> Duration.ofHours(number);
        default -> Duration.ofDays(number);
      };
    }
    try {
      return Duration.parse(text);
    } catch (DateTimeException e) {
      throw new InvalidValueException(
          "duration-invalid", "a time is a number with s, m, h or d, got '" + text + "'");
    }
  }
}
