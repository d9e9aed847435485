package io.sluice.functions.trace;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TraceContextTest {
  private static final String HEADER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

  @Test
  void aHeaderComesBackAsItWas() {
    TraceContext context = TraceContext.parse(HEADER).orElseThrow();
    assertThat(context.header()).isEqualTo(HEADER);
    assertThat(context.sampled()).isTrue();
    assertThat(TraceContext.parse(HEADER.replaceFirst("01$", "00")).orElseThrow().sampled())
        .isFalse();
    assertThat(TraceContext.parse("cc" + HEADER.substring(2) + "-later")).contains(context);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "00",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0"
      })
  void whatIsNoneIsIgnored(String header) {
    assertThat(TraceContext.parse(header)).isEmpty();
  }

  @Test
  void placesBelowAreOfTheSameTrace() {
    TraceContext root = TraceContext.root();
    assertThat(TraceContext.parse(root.header())).contains(root);
    TraceContext child = root.child();
    assertThat(child.traceId()).isEqualTo(root.traceId());
    assertThat(child.spanId()).isNotEqualTo(root.spanId());
    assertThat(root.named("job")).isEqualTo(child.named("job")).isNotEqualTo(root.named("other"));
  }
}
