package io.sluice.functions.docs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import org.junit.jupiter.api.Test;

class ConfigurationPageTest {
  @Test
  void thePageSaysWhatTheCodeSays() throws IOException {
    assertThat(ConfigurationPage.actual(Repository.ROOT))
        .as("the page is out of date; write it anew by: %s", ConfigurationPage.COMMAND)
        .isEqualTo(ConfigurationPage.upToDate(Repository.ROOT));
  }

  @Test
  void thePageHasSettingsOfEveryKind() throws IOException {
    assertThat(ConfigurationPage.upToDate(Repository.ROOT))
        .contains("| `sluice.store` | `s3` or `file` or ")
        .contains("| `sluice.worker.exit-with-stdin` | `true` or `false` | `false` |")
        .contains("| `sluice.job.wait-limit` | duration | `15m` |")
        .contains("| `sluice.sources.roots` | paths, comma-separated | none |")
        .contains("| `sluice.dev-services.enabled` |");
  }
}
