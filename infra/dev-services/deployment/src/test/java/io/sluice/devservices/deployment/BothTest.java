package io.sluice.devservices.deployment;

import static org.assertj.core.api.Assertions.assertThat;

import io.quarkus.test.QuarkusUnitTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Neither S3 nor Redis is configured: both are provided. */
class BothTest {
  @RegisterExtension
  static final QuarkusUnitTest APPLICATION =
      new QuarkusUnitTest()
          .withApplicationRoot(root -> root.addClass(Settings.class))
          .overrideConfigKey("sluice.dev-services.bucket", "models");

  @Test
  void configuresBoth() {
    assertThat(Settings.listens("quarkus.s3.endpoint-override")).isTrue();
    assertThat(Settings.listens("quarkus.redis.hosts")).isTrue();
    assertThat(Settings.of("quarkus.s3.path-style-access")).contains("true");
    assertThat(Settings.of("quarkus.s3.aws.region")).contains("us-east-1");
    assertThat(Settings.of("quarkus.s3.aws.credentials.type")).contains("static");
    assertThat(Settings.of("quarkus.s3.aws.credentials.static-provider.access-key-id")).isPresent();
    assertThat(Settings.of("quarkus.s3.aws.credentials.static-provider.secret-access-key"))
        .isPresent();
    assertThat(Settings.of("sluice.s3.bucket")).contains("models");
  }
}
