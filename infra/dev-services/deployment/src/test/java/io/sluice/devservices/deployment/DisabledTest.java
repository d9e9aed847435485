package io.sluice.devservices.deployment;

import static org.assertj.core.api.Assertions.assertThat;

import io.quarkus.test.QuarkusUnitTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Nothing is provided to an application that wants nothing. */
class DisabledTest {
  @RegisterExtension
  static final QuarkusUnitTest APPLICATION =
      new QuarkusUnitTest()
          .withApplicationRoot(root -> root.addClass(Settings.class))
          .overrideConfigKey("sluice.dev-services.enabled", "false");

  @Test
  void configuresNothing() {
    assertThat(Settings.of("quarkus.redis.hosts")).isEmpty();
    assertThat(Settings.of("quarkus.s3.endpoint-override")).isEmpty();
  }
}
