package io.sluice.storage;

import io.sluice.embedded.EmbeddedStack;
import io.sluice.http.HttpTransport;
import io.sluice.http.TransportSettings;
import io.sluice.storage.s3.S3Transport;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.checksums.RequestChecksumCalculation;
import software.amazon.awssdk.core.checksums.ResponseChecksumValidation;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.retries.DefaultRetryStrategy;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.S3ClientBuilder;

/** The embedded S3 of this JVM, started once and stopped at its end, and clients for it. */
public final class S3Fixture {
  private static EmbeddedStack stack;

  private S3Fixture() {}

  public static synchronized EmbeddedStack.S3 server() {
    if (stack == null) {
      try {
        stack = EmbeddedStack.start();
      } catch (IOException e) {
        throw new IllegalStateException("the embedded S3 did not start", e);
      }
      Runtime.getRuntime().addShutdownHook(new Thread(S3Fixture::stop));
    }
    return stack.s3();
  }

  private static void stop() {
    try {
      stack.close();
    } catch (IOException e) {
      throw new IllegalStateException("the embedded S3 did not stop", e);
    }
  }

  /** A client of the server with good credentials. */
  public static S3Client client() {
    return client(server().endpoint(), server().secretKey(), 1, Duration.ofMinutes(1));
  }

  /**
   * @param attempts how often the SDK itself tries
   * @param timeout how long a connection may bring nothing
   */
  public static S3Client client(URI endpoint, String secret, int attempts, Duration timeout) {
    return client(endpoint, server().region(), server().accessKey(), secret, attempts, timeout);
  }

  static S3Client client(
      URI endpoint, String region, String key, String secret, int attempts, Duration timeout) {
    HttpTransport transport =
        new HttpTransport(
            TransportSettings.defaults()
                .withConnectTimeout(Duration.ofSeconds(30))
                .withStallTimeout(timeout));
    S3ClientBuilder builder =
        S3Transport.install(
            S3Client.builder()
                .endpointOverride(endpoint)
                .region(Region.of(region))
                .credentialsProvider(
                    StaticCredentialsProvider.create(AwsBasicCredentials.create(key, secret)))
                .forcePathStyle(true)
                .requestChecksumCalculation(RequestChecksumCalculation.WHEN_REQUIRED)
                .responseChecksumValidation(ResponseChecksumValidation.WHEN_REQUIRED),
            transport,
            false);
    if (attempts > 1) {
      builder.overrideConfiguration(
          builder.overrideConfiguration().toBuilder()
              .retryStrategy(
                  DefaultRetryStrategy.standardStrategyBuilder().maxAttempts(attempts).build())
              .build());
    }
    return builder.build();
  }
}
