package io.sluice.functions.cli;

import io.sluice.model.InvalidValueException;

/**
 * Bytes a second as people write them.
 *
 * @param bytesPerSecond positive
 */
record ByteRate(long bytesPerSecond) {
  private static final String PER_SECOND = "/s";

  /** Reads {@code 75MB/s}, or a size alone, which counts a second. */
  static ByteRate parse(String text) {
    String size = text.strip();
    if (size.endsWith(PER_SECOND)) {
      size = size.substring(0, size.length() - PER_SECOND.length());
    }
    long bytes = ByteSize.parse(size).bytes();
    if (bytes < 1) {
      throw new InvalidValueException(
          "rate-invalid", "a rate is at least 1 byte a second, got '" + text + "'");
    }
    return new ByteRate(bytes);
  }
}
