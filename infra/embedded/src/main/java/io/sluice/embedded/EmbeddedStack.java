package io.sluice.embedded;

import io.sluice.launcher.EmbeddedEndpoints;
import io.sluice.launcher.FileTree;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A running S3 and a running Redis on loopback.
 *
 * <p>Redis is a child process and ends with this JVM in whatever way that ends; then its supervisor
 * also deletes the temporary directory.
 */
public final class EmbeddedStack implements AutoCloseable {
  /** The region that S3 requests are signed for. */
  public static final String REGION = "us-east-1";

  /**
   * Where S3 is.
   *
   * @param endpoint {@code http://127.0.0.1:PORT}, path-style addressing
   * @param region the region to sign for
   * @param bucket a bucket that exists
   * @param accessKey the access key
   * @param secretKey its secret
   */
  public record S3(
      URI endpoint, String region, String bucket, String accessKey, String secretKey) {}

  /**
   * Where Redis is; no password.
   *
   * @param url {@code redis://127.0.0.1:PORT}
   * @param host {@code 127.0.0.1}
   * @param port the port
   */
  public record Redis(URI url, String host, int port) {}

  private final S3Server s3Server;
  private final RedisServer redisServer;
  private final S3 s3;
  private final Redis redis;

  private EmbeddedStack(S3Server s3Server, RedisServer redisServer, Options options) {
    this.s3Server = s3Server;
    this.redisServer = redisServer;
    this.s3 =
        new S3(
            URI.create("http://" + Loopback.HOST + ":" + s3Server.port()),
            REGION,
            options.bucket(),
            options.credentials().accessKey(),
            options.credentials().secretKey());
    this.redis =
        new Redis(
            URI.create("redis://" + Loopback.HOST + ":" + redisServer.port()),
            Loopback.HOST,
            redisServer.port());
  }

  /** Starts with {@link Options#defaults()}. */
  public static EmbeddedStack start() throws IOException {
    return start(Options.defaults());
  }

  /**
   * Starts both servers and returns when both accept requests.
   *
   * @throws IOException if a port is in use, the data directory cannot be written, or Redis cannot
   *     run here; nothing is left behind then
   */
  public static EmbeddedStack start(Options options) throws IOException {
    Path temporary = Files.createTempDirectory("sluice-embedded-");
    RedisServer redis = null;
    EmbeddedStack stack = null;
    try {
      redis = RedisServer.start(temporary, options.redisPort());
      Path objects = options.data().map(data -> data.resolve("s3")).orElse(temporary.resolve("s3"));
      S3Server s3 =
          S3Server.start(
              objects.toAbsolutePath(), options.bucket(), options.s3Port(), options.credentials());
      stack = new EmbeddedStack(s3, redis, options);
      return stack;
    } finally {
      if (stack == null && redis != null) {
        redis.close();
      } else if (stack == null) {
        FileTree.delete(temporary);
      }
    }
  }

  public S3 s3() {
    return s3;
  }

  public Redis redis() {
    return redis;
  }

  /** Both, as the program announces them. */
  public EmbeddedEndpoints endpoints() {
    return new EmbeddedEndpoints(
        s3.endpoint().toString(),
        s3.region(),
        s3.bucket(),
        s3.accessKey(),
        s3.secretKey(),
        redis.url().toString(),
        ProcessHandle.current().pid());
  }

  /** Stops both servers and deletes what is temporary; a second call does nothing. */
  @Override
  public synchronized void close() throws IOException {
    try {
      s3Server.close();
    } finally {
      redisServer.close();
    }
  }
}
