package io.sluice.compute.product;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.Eventually;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class SharedInputsTest {
  private final AtomicInteger reads = new AtomicInteger();
  private final SharedInputs inputs = new SharedInputs(1_000);

  private float[] rows(String job, long firstRow) throws InterruptedException {
    return inputs.rows(
        job,
        firstRow,
        100,
        () -> {
          float[] rows = new float[100];
          rows[0] = firstRow;
          reads.incrementAndGet();
          return rows;
        });
  }

  @Test
  void whatFitsIsReadOnceAndTheRestEachTime() throws InterruptedException {
    for (int task = 0; task < 3; task++) {
      for (long first : new long[] {0, 100, 200}) {
        assertThat(rows("a", first)[0]).isEqualTo(first);
      }
    }
    assertThat(reads).as("0 and 100 once, 200 by each").hasValue(2 + 3);
    assertThat(inputs.bytes()).isEqualTo(800);
  }

  @Test
  void whatAJobHasKeptGoesWithIt() throws InterruptedException {
    rows("a", 0);
    rows("b", 0);
    rows("b", 0);
    assertThat(reads).hasValue(2);
    inputs.forget("a");
    assertThat(inputs.bytes()).isEqualTo(400);
    rows("b", 0);
    assertThat(reads).hasValue(2);
    rows("a", 0);
    assertThat(reads).hasValue(3);
    inputs.forget("a");
    inputs.forget("b");
    assertThat(inputs.bytes()).isZero();
  }

  @Test
  void tasksThatNeedTheSameAtOnceWaitForOneReader() throws Exception {
    CountDownLatch gate = new CountDownLatch(1);
    List<CompletableFuture<float[]>> all = new ArrayList<>();
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      CompletableFuture<float[]> one = new CompletableFuture<>();
      all.add(one);
      threads.add(
          Thread.ofPlatform()
              .start(
                  () -> {
                    try {
                      one.complete(
                          inputs.rows(
                              "a",
                              0,
                              1,
                              () -> {
                                reads.incrementAndGet();
                                gate.await();
                                return new float[1];
                              }));
                    } catch (InterruptedException e) {
                      one.completeExceptionally(e);
                    }
                  }));
    }
    Eventually.eventually(
        "all of them wait",
        () -> threads.stream().allMatch(t -> t.getState() == Thread.State.WAITING));
    gate.countDown();
    for (CompletableFuture<float[]> one : all) {
      assertThat(one.get()).isSameAs(all.getFirst().get());
    }
    assertThat(reads).hasValue(1);
  }

  @Test
  void afterAFailureTheNextReads() throws InterruptedException {
    assertThatThrownBy(
            () ->
                inputs.rows(
                    "a",
                    0,
                    100,
                    () -> {
                      throw new InterruptedException("the lease was lost");
                    }))
        .isInstanceOf(InterruptedException.class);
    assertThat(rows("a", 0)).hasSize(100);
    assertThat(rows("a", 0)).hasSize(100);
    assertThat(reads).hasValue(1);
    assertThat(inputs.bytes()).as("counted once").isEqualTo(400);
  }
}
