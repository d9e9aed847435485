package io.sluice.cache;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class CircuitBreakerTest {
  private final AtomicLong now = new AtomicLong(Long.MAX_VALUE - 10);
  private final CircuitBreaker breaker =
      new CircuitBreaker(3, Duration.ofNanos(100), Duration.ofNanos(250), now::get);

  private void fail(int times) {
    for (int i = 0; i < times; i++) {
      assertThat(breaker.permits()).isTrue();
      breaker.failed();
    }
  }

  @Test
  void opensAfterFailuresInARowOnly() {
    fail(2);
    breaker.succeeded();
    fail(2);
    assertThat(breaker.permits()).isTrue();
    breaker.failed();
    assertThat(breaker.permits()).isFalse();
  }

  @Test
  void letsOneCallerTryAfterThePauseAndClosesIfItSucceeds() {
    fail(3);
    now.addAndGet(99);
    assertThat(breaker.permits()).isFalse();
    now.addAndGet(1);
    assertThat(breaker.permits()).isTrue();
    assertThat(breaker.permits()).as("a second caller").isFalse();
    breaker.succeeded();
    fail(2);
    assertThat(breaker.permits()).isTrue();
  }

  @Test
  void pausesTwiceAsLongAfterEachTryInVainUpToABound() {
    fail(3);
    for (long pause : new long[] {100, 200, 250, 250}) {
      now.addAndGet(pause - 1);
      assertThat(breaker.permits()).as("before %d", pause).isFalse();
      now.addAndGet(1);
      assertThat(breaker.permits()).as("after %d", pause).isTrue();
      breaker.failed();
    }
  }
}
