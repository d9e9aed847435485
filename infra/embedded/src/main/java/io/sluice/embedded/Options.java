package io.sluice.embedded;

import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * How to start an {@link EmbeddedStack}; every {@code with} method gives a changed copy.
 *
 * @param data where the S3 objects are kept, created if absent; empty for a temporary directory
 *     that goes with the stack
 * @param bucket the bucket to create
 * @param s3Port the S3 port, 0 for any free one
 * @param redisPort the Redis port, 0 for any free one
 * @param credentials the only credentials S3 accepts
 */
public record Options(
    Optional<Path> data, String bucket, int s3Port, int redisPort, Credentials credentials) {

  /** The bucket unless another is named. */
  public static final String DEFAULT_BUCKET = "sluice";

  private static final Pattern BUCKET = Pattern.compile("[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]");

  public Options {
    Objects.requireNonNull(data, "data");
    Objects.requireNonNull(credentials, "credentials");
    if (!BUCKET.matcher(bucket).matches()) {
      throw new IllegalArgumentException(
          "bucket must be 3 to 63 lower-case letters, digits, dots or hyphens, is '"
              + bucket
              + "'");
    }
    requirePort("s3Port", s3Port);
    requirePort("redisPort", redisPort);
  }

  /** A temporary directory, free ports and fresh random credentials. */
  public static Options defaults() {
    return new Options(Optional.empty(), DEFAULT_BUCKET, 0, 0, Credentials.random());
  }

  public Options withData(Path directory) {
    return new Options(Optional.of(directory), bucket, s3Port, redisPort, credentials);
  }

  public Options withBucket(String name) {
    return new Options(data, name, s3Port, redisPort, credentials);
  }

  public Options withS3Port(int port) {
    return new Options(data, bucket, port, redisPort, credentials);
  }

  public Options withRedisPort(int port) {
    return new Options(data, bucket, s3Port, port, credentials);
  }

  public Options withCredentials(Credentials given) {
    return new Options(data, bucket, s3Port, redisPort, given);
  }

  private static void requirePort(String name, int port) {
    if (port < 0 || port > 65_535) {
      throw new IllegalArgumentException(name + " must be 0 to 65535, is " + port);
    }
  }

  /** An S3 access key and its secret. */
  public record Credentials(String accessKey, String secretKey) {
    private static final Pattern VISIBLE = Pattern.compile("[\\x21-\\x7e]{1,128}");

    public Credentials {
      requireVisible("access key", accessKey);
      requireVisible("secret key", secretKey);
    }

    /** 80 random bits of access key, 240 of secret. */
    public static Credentials random() {
      SecureRandom random = new SecureRandom();
      byte[] key = new byte[10];
      byte[] secret = new byte[30];
      random.nextBytes(key);
      random.nextBytes(secret);
      return new Credentials(
          HexFormat.of().withUpperCase().formatHex(key),
          Base64.getUrlEncoder().withoutPadding().encodeToString(secret));
    }

    /** Without the secret. */
    @Override
    public String toString() {
      return "Credentials[accessKey=" + accessKey + "]";
    }

    private static void requireVisible(String name, String value) {
      if (!VISIBLE.matcher(value).matches()) {
        throw new IllegalArgumentException(
            name + " must be 1 to 128 visible ASCII characters, has " + value.length());
      }
    }
  }
}
