package io.sluice.bench.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class PerformancePageTest {
  private static final Path DOCS = Path.of("..", "..", "docs");

  @Test
  void thePageSaysWhatWasMeasured() throws IOException {
    assertThat(Files.readString(DOCS.resolve("performance.md")))
        .as("the page is out of date; write it anew by: infra/bench/measure --only-report")
        .isEqualTo(PerformancePage.page(DOCS));
    assertThat(Files.readString(DOCS.resolve("performance.svg")))
        .isEqualTo(PerformancePage.chart(DOCS));
  }

  @Test
  void everyKindWasMeasured() {
    for (String kind : PerformancePage.KINDS) {
      assertThat(DOCS.resolve("performance").resolve(kind + ".json")).exists();
    }
  }
}
