package io.sluice.bench.peer;

import io.sluice.measure.StoreAccess;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentials;
import software.amazon.awssdk.auth.credentials.AwsSessionCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.checksums.RequestChecksumCalculation;
import software.amazon.awssdk.core.checksums.ResponseChecksumValidation;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3BaseClientBuilder;

/** What all clients of the SDK have in common. */
final class SdkSettings {
  private SdkSettings() {}

  static <B extends S3BaseClientBuilder<B, C>, C> B of(B builder, StoreAccess access) {
    AwsCredentials credentials =
        access.sessionToken().isEmpty()
            ? AwsBasicCredentials.create(access.accessKey(), access.secretKey())
            : AwsSessionCredentials.create(
                access.accessKey(), access.secretKey(), access.sessionToken());
    return builder
        .endpointOverride(access.endpoint())
        .region(Region.of(access.region()))
        .credentialsProvider(StaticCredentialsProvider.create(credentials))
        .requestChecksumCalculation(RequestChecksumCalculation.WHEN_REQUIRED)
        .responseChecksumValidation(ResponseChecksumValidation.WHEN_REQUIRED);
  }
}
