package io.sluice.devservices.deployment;

import static org.assertj.core.api.Assertions.assertThat;

import io.quarkus.test.QuarkusUnitTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Redis is configured: it stays, and S3 is provided. */
class OnlyS3Test {
  @RegisterExtension
  static final QuarkusUnitTest APPLICATION =
      new QuarkusUnitTest()
          .withApplicationRoot(root -> root.addClass(Settings.class))
          .overrideConfigKey("quarkus.redis.hosts", "redis://127.0.0.1:1");

  @Test
  void configuresS3Only() {
    assertThat(Settings.of("quarkus.redis.hosts")).contains("redis://127.0.0.1:1");
    assertThat(Settings.listens("quarkus.s3.endpoint-override")).isTrue();
    assertThat(Settings.of("sluice.s3.bucket")).contains("sluice");
  }
}
