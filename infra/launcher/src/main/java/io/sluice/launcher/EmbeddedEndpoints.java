package io.sluice.launcher;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Where an embedded S3 and Redis are, and the credentials they want.
 *
 * <p>It is also the start-up protocol: the embedded program prints {@link #toLines()} on stdout,
 * one {@code key=value} a line, when both servers accept requests, and nothing else ever.
 *
 * @param endpoint the S3 endpoint, {@code http://127.0.0.1:PORT}, path-style addressing
 * @param region the region to sign for
 * @param bucket a bucket that exists
 * @param accessKey the only access key the S3 endpoint knows
 * @param secretKey the secret of that access key
 * @param redisUrl {@code redis://127.0.0.1:PORT}
 * @param pid the process that serves them
 */
public record EmbeddedEndpoints(
    String endpoint,
    String region,
    String bucket,
    String accessKey,
    String secretKey,
    String redisUrl,
    long pid) {

  /** The last line of the protocol. */
  static final String READY = "ready";

  private static final String ENDPOINT = "s3.endpoint";
  private static final String REGION = "s3.region";
  private static final String BUCKET = "s3.bucket";
  private static final String ACCESS_KEY = "s3.access-key";
  private static final String SECRET_KEY = "s3.secret-key";
  private static final String REDIS_URL = "redis.url";
  private static final String PID = "pid";

  public EmbeddedEndpoints {
    requireOneLine(ENDPOINT, endpoint);
    requireOneLine(REGION, region);
    requireOneLine(BUCKET, bucket);
    requireOneLine(ACCESS_KEY, accessKey);
    requireOneLine(SECRET_KEY, secretKey);
    requireOneLine(REDIS_URL, redisUrl);
  }

  /** The protocol's lines, the last one {@code ready}. */
  public List<String> toLines() {
    return List.of(
        ENDPOINT + "=" + endpoint,
        REGION + "=" + region,
        BUCKET + "=" + bucket,
        ACCESS_KEY + "=" + accessKey,
        SECRET_KEY + "=" + secretKey,
        REDIS_URL + "=" + redisUrl,
        PID + "=" + pid,
        READY);
  }

  /**
   * Reads the protocol's lines. Keys it does not know are ignored, so that the program may say
   * more.
   *
   * @throws IllegalArgumentException if a line or a value is missing or malformed
   */
  public static EmbeddedEndpoints fromLines(List<String> lines) {
    if (lines.isEmpty() || !lines.getLast().equals(READY)) {
      throw new IllegalArgumentException("the last line is not '" + READY + "': " + lines);
    }
    Map<String, String> values = new LinkedHashMap<>();
    for (String line : lines.subList(0, lines.size() - 1)) {
      int equals = line.indexOf('=');
      if (equals < 1) {
        throw new IllegalArgumentException("not key=value: '" + line + "'");
      }
      values.put(line.substring(0, equals), line.substring(equals + 1));
    }
    return new EmbeddedEndpoints(
        value(values, ENDPOINT),
        value(values, REGION),
        value(values, BUCKET),
        value(values, ACCESS_KEY),
        value(values, SECRET_KEY),
        value(values, REDIS_URL),
        pid(value(values, PID)));
  }

  /** Without the secret. */
  @Override
  public String toString() {
    return "EmbeddedEndpoints[endpoint=%s, region=%s, bucket=%s, accessKey=%s, redisUrl=%s, pid=%d]"
        .formatted(endpoint, region, bucket, accessKey, redisUrl, pid);
  }

  private static String value(Map<String, String> values, String key) {
    String value = values.get(key);
    if (value == null) {
      throw new IllegalArgumentException("no " + key + " among " + values.keySet());
    }
    return value;
  }

  private static long pid(String value) {
    try {
      return Long.parseLong(value);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(PID + " is not a number: '" + value + "'", e);
    }
  }

  private static void requireOneLine(String key, String value) {
    Objects.requireNonNull(value, key);
    if (value.isEmpty() || value.chars().anyMatch(c -> c < ' ')) {
      throw new IllegalArgumentException(key + " is empty or not one line: '" + value + "'");
    }
  }
}
