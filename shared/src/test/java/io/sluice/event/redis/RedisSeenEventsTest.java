package io.sluice.event.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.event.EventException;
import io.sluice.event.SeenEvents;
import io.sluice.model.ErrorKind;
import io.sluice.redis.RedisClient;
import io.sluice.redis.TestRedis;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class RedisSeenEventsTest {
  private static final Duration LONG = Duration.ofMinutes(5);
  private static RedisClient client;

  private final SeenEvents seen = new RedisSeenEvents(client, TestRedis.prefix());

  @BeforeAll
  static void connect() {
    client = TestRedis.shared().client();
  }

  @AfterAll
  static void disconnect() {
    client.close();
  }

  @Test
  void oneHandlesAnEventAndTheOthersLearnItsJob() {
    assertThat(seen.claim("a", LONG)).isEmpty();
    busy("a");
    assertThat(seen.claim("b", LONG)).as("another event").isEmpty();
    seen.handled("a", "job-1", LONG);
    assertThat(seen.claim("a", LONG)).contains("job-1");
    busy("b");
  }

  @Test
  void anEventThatWasNotHandledMayBeTriedAgain() throws InterruptedException {
    assertThat(seen.claim("a", LONG)).isEmpty();
    seen.release("a");
    assertThat(seen.claim("a", Duration.ofMillis(50))).isEmpty();
    // Whoever had it is dead: the right expires.
    assertThat(eventually("a")).isEmpty();
    seen.handled("a", "job-1", Duration.ofMillis(50));
    while (seen.claim("a", LONG).isPresent()) {
      Thread.sleep(10);
    }
  }

  @Test
  void ofManyAtOnceOneHandlesIt() throws InterruptedException {
    AtomicInteger claimed = new AtomicInteger();
    Thread[] threads = new Thread[8];
    for (int i = 0; i < threads.length; i++) {
      threads[i] =
          Thread.ofVirtual()
              .start(
                  () -> {
                    try {
                      if (seen.claim("a", LONG).isEmpty()) {
                        claimed.incrementAndGet();
                      }
                    } catch (EventException e) {
                      assertThat(e.code()).isEqualTo("event-busy");
                    }
                  });
    }
    for (Thread thread : threads) {
      thread.join();
    }
    assertThat(claimed).hasValue(1);
  }

  private Optional<String> eventually(String key) throws InterruptedException {
    while (true) {
      try {
        return seen.claim(key, LONG);
      } catch (EventException e) {
        Thread.sleep(10);
      }
    }
  }

  private void busy(String key) {
    assertThatThrownBy(() -> seen.claim(key, LONG))
        .isInstanceOfSatisfying(
            EventException.class,
            e -> {
              assertThat(e.kind()).isEqualTo(ErrorKind.TRANSIENT);
              assertThat(e.code()).isEqualTo("event-busy");
            });
  }
}
