package io.sluice.compute.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class PartitionCacheTest {
  private final AtomicInteger reads = new AtomicInteger();
  private final PartitionCache cache = new PartitionCache(1_000);

  private PartitionCache.Loan borrow(String key) throws InterruptedException {
    return cache.borrow(
        key,
        400,
        () -> {
          reads.incrementAndGet();
          return new Rows(1, 8, new float[80], new int[0], new float[0]);
        });
  }

  @Test
  void rowsAreReadOnceWhileThereIsRoom() throws InterruptedException {
    for (int i = 0; i < 3; i++) {
      borrow("a").close();
      borrow("b").close();
    }
    assertThat(reads).hasValue(2);
    assertThat(cache.bytes()).as("what they really take").isEqualTo(640);
    borrow("c").close();
    assertThat(reads).hasValue(3);
    borrow("b").close();
    assertThat(reads).as("a was used longest ago").hasValue(3);
    borrow("a").close();
    assertThat(reads).hasValue(4);
    cache.forget("");
    assertThat(cache.bytes()).isZero();
  }

  @Test
  void whoFindsNoRoomWaits() throws Exception {
    PartitionCache.Loan a = borrow("a");
    PartitionCache.Loan b = borrow("b");
    CompletableFuture<Integer> third = new CompletableFuture<>();
    Thread.ofVirtual()
        .start(
            () -> {
              try (PartitionCache.Loan c = borrow("c")) {
                third.complete(c.rows().count());
              } catch (InterruptedException e) {
                third.completeExceptionally(e);
              }
            });
    Thread.sleep(50);
    assertThat(third).isNotDone();
    cache.forget("");
    assertThat(cache.bytes()).as("in use").isEqualTo(640);
    b.close();
    assertThat(third.get(1, TimeUnit.MINUTES)).isEqualTo(1);
    a.close();
  }

  @Test
  void aFailedReadLeavesNothing() {
    assertThatThrownBy(
            () ->
                cache.borrow(
                    "a",
                    900,
                    () -> {
                      throw new IllegalStateException("broken");
                    }))
        .hasMessage("broken");
    assertThat(cache.bytes()).isZero();
    assertThatThrownBy(() -> cache.borrow("a", 1_001, () -> null))
        .isInstanceOfSatisfying(
            SluiceException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.CAPACITY))
        .hasMessageContaining("1001")
        .hasMessageContaining("sluice.train.memory");
  }
}
