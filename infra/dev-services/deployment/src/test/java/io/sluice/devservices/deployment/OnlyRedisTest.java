package io.sluice.devservices.deployment;

import static org.assertj.core.api.Assertions.assertThat;

import io.quarkus.test.QuarkusUnitTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** S3 is configured: none of its settings are touched, and Redis is provided. */
class OnlyRedisTest {
  @RegisterExtension
  static final QuarkusUnitTest APPLICATION =
      new QuarkusUnitTest()
          .withApplicationRoot(root -> root.addClass(Settings.class))
          .overrideConfigKey("quarkus.s3.endpoint-override", "http://127.0.0.1:1");

  @Test
  void configuresRedisOnly() {
    assertThat(Settings.listens("quarkus.redis.hosts")).isTrue();
    assertThat(Settings.of("quarkus.s3.endpoint-override")).contains("http://127.0.0.1:1");
    assertThat(Settings.of("quarkus.s3.aws.credentials.type")).isEmpty();
    assertThat(Settings.of("sluice.s3.bucket")).isEmpty();
  }
}
