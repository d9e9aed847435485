package io.sluice.compute;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(180)
class ComputeThreadsTest {
  @Test
  void resultsComeInTheOrderOfThePieces() throws InterruptedException {
    try (ComputeThreads threads = new ComputeThreads(3)) {
      List<Callable<Integer>> pieces = new ArrayList<>();
      AtomicInteger running = new AtomicInteger();
      AtomicInteger most = new AtomicInteger();
      for (int i = 0; i < 100; i++) {
        int piece = i;
        pieces.add(
            () -> {
              most.accumulateAndGet(running.incrementAndGet(), Math::max);
              Thread.yield();
              running.decrementAndGet();
              return piece;
            });
      }
      List<Integer> results = threads.run(pieces);
      for (int i = 0; i < 100; i++) {
        assertThat(results.get(i)).isEqualTo(i);
      }
      assertThat(most.get()).isBetween(1, 3);
    }
  }

  @Test
  void aFailureEndsTheRestAndIsThrown() {
    try (ComputeThreads threads = new ComputeThreads(2)) {
      AtomicInteger begun = new AtomicInteger();
      List<Callable<Void>> pieces = new ArrayList<>();
      pieces.add(
          () -> {
            throw ComputeException.refused("no");
          });
      for (int i = 0; i < 10_000; i++) {
        pieces.add(
            () -> {
              begun.incrementAndGet();
              return null;
            });
      }
      assertThatThrownBy(() -> threads.run(pieces))
          .isInstanceOf(ComputeException.class)
          .hasMessage("no");
    }
  }

  @Test
  void whoIsInterruptedWaitsForWhatStillRuns() throws InterruptedException {
    try (ComputeThreads threads = new ComputeThreads(1)) {
      CountDownLatch begun = new CountDownLatch(1);
      CountDownLatch release = new CountDownLatch(1);
      AtomicInteger ended = new AtomicInteger();
      AtomicInteger seen = new AtomicInteger(-1);
      Callable<Void> piece =
          () -> {
            begun.countDown();
            release.await();
            ended.incrementAndGet();
            return null;
          };
      Thread caller =
          Thread.ofPlatform()
              .start(
                  () -> {
                    try {
                      threads.run(List.of(piece, piece, piece));
                    } catch (InterruptedException e) {
                      seen.set(ended.get());
                    }
                  });
      begun.await();
      caller.interrupt();
      caller.join(100);
      assertThat(caller.isAlive()).isTrue();
      release.countDown();
      caller.join();
      assertThat(seen.get()).isEqualTo(1);
    }
  }
}
