package io.sluice.storage.s3;

import io.sluice.model.InvalidValueException;

/**
 * How large objects are sent.
 *
 * @param threshold objects of more bytes are sent in parts; at most {@link S3ShardStore#MAX_PUT}
 * @param partBytes bytes of a part at least, so that the parts of an object are even and at most
 *     {@value #MAX_PARTS}. S3 wants 5 MiB or more
 * @param parallelism parts of one object that are sent at once
 */
public record MultipartSettings(long threshold, long partBytes, int parallelism) {
  /** Most parts of an object. */
  public static final int MAX_PARTS = 10_000;

  /** Over 128 MiB in parts of 32 MiB, eight at a time. */
  public static final MultipartSettings DEFAULT = new MultipartSettings(128L << 20, 32L << 20, 8);

  public MultipartSettings {
    if (threshold < 1
        || threshold > S3ShardStore.MAX_PUT
        || partBytes < 1
        || partBytes > S3ShardStore.MAX_PUT / 2
        || parallelism < 1) {
      throw new InvalidValueException(
          "multipart-settings-invalid",
          "multipart needs 1 <= threshold <= "
              + S3ShardStore.MAX_PUT
              + ", 1 <= part <= "
              + S3ShardStore.MAX_PUT / 2
              + " and 1 <= parallelism, got "
              + threshold
              + ", "
              + partBytes
              + " and "
              + parallelism);
    }
  }

  /** Bytes of every part but the last, which may be a little shorter. */
  long partBytes(long size) {
    long parts = Math.clamp(size / partBytes, 1, MAX_PARTS);
    return Math.ceilDiv(size, parts);
  }
}
