package io.sluice.upload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.model.ByteRange;
import io.sluice.storage.ObjectInfo;
import io.sluice.storage.ReadObserver;
import io.sluice.storage.ShardReader;
import io.sluice.storage.StorageException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(180)
class ReadAheadTest {
  private static final int WIDTH = 3;

  /** Each byte is the low byte of its offset. */
  private abstract static class Source implements ShardReader {
    final AtomicInteger running = new AtomicInteger();
    final AtomicInteger most = new AtomicInteger();

    abstract void before(long offset) throws Exception;

    @Override
    public ObjectInfo head(String key) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void read(
        String key,
        Optional<String> etag,
        ByteRange range,
        MemorySegment target,
        ReadObserver observer) {
      most.accumulateAndGet(running.incrementAndGet(), Math::max);
      try {
        before(range.offset());
        for (long i = 0; i < range.length(); i++) {
          target.set(ValueLayout.JAVA_BYTE, i, (byte) (range.offset() + i));
        }
        observer.received(range.length());
      } catch (RuntimeException e) {
        throw e;
      } catch (Exception e) {
        throw new IllegalStateException(e);
      } finally {
        running.decrementAndGet();
      }
    }
  }

  /** Parts of two bytes, each in the memory of the one so many before it. */
  private static List<ReadAhead.Part> parts(int count) {
    byte[] memory = new byte[2 * WIDTH];
    List<ReadAhead.Part> parts = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      MemorySegment target = MemorySegment.ofArray(memory).asSlice(i % WIDTH * 2L, 2);
      parts.add(new ReadAhead.Part("f", "e", new ByteRange(2L * i, 2), target));
    }
    return parts;
  }

  @Test
  void partsComeInOrderAndAFewAreReadAtOnce() throws Exception {
    CyclicBarrier together = new CyclicBarrier(WIDTH);
    Source source =
        new Source() {
          @Override
          void before(long offset) throws Exception {
            if (offset < 2 * WIDTH) {
              together.await(1, TimeUnit.MINUTES); // the first ones can only go on together
            } else if (offset % 3 == 0) {
              Thread.sleep(2);
            }
          }
        };
    List<Integer> order = new ArrayList<>();
    new ReadAhead(source, WIDTH)
        .run(
            parts(40),
            (index, part) -> {
              order.add(index);
              assertThat(part.target().get(ValueLayout.JAVA_BYTE, 0)).isEqualTo((byte) (2 * index));
              assertThat(part.target().get(ValueLayout.JAVA_BYTE, 1))
                  .isEqualTo((byte) (2 * index + 1));
            });
    assertThat(order).hasSize(40).isSorted();
    assertThat(source.most).hasValue(WIDTH);
  }

  @Test
  void aFailureEndsAllReads() {
    CountDownLatch never = new CountDownLatch(1);
    Source source =
        new Source() {
          @Override
          void before(long offset) throws Exception {
            if (offset == 4) {
              throw StorageException.changed("f", null);
            }
            if (offset > 4) {
              never.await(); // until it is interrupted
            }
          }
        };
    List<Integer> got = new ArrayList<>();
    assertThatThrownBy(
            () -> new ReadAhead(source, WIDTH).run(parts(40), (index, part) -> got.add(index)))
        .isInstanceOf(StorageException.class);
    assertThat(got).containsExactly(0, 1);
    assertThat(source.running).hasValue(0);
  }

  @Test
  void aFailureOfTheConsumerAndAnInterruptEndAllReads() throws Exception {
    CountDownLatch never = new CountDownLatch(1);
    CountDownLatch begun = new CountDownLatch(WIDTH);
    Source source =
        new Source() {
          @Override
          void before(long offset) throws Exception {
            begun.countDown();
            if (offset > 0) {
              never.await();
            }
          }
        };
    assertThatThrownBy(
            () ->
                new ReadAhead(source, WIDTH)
                    .run(
                        parts(40),
                        (index, part) -> {
                          throw new IllegalArgumentException("no");
                        }))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(source.running).hasValue(0);

    AtomicReference<Throwable> thrown = new AtomicReference<>();
    Thread thread =
        Thread.ofVirtual()
            .start(
                () -> {
                  try {
                    new ReadAhead(source, WIDTH).run(parts(40), (index, part) -> {});
                  } catch (Throwable e) {
                    thrown.set(e);
                  }
                });
    assertThat(begun.await(1, TimeUnit.MINUTES)).isTrue();
    thread.interrupt();
    thread.join();
    assertThat(thrown.get()).isInstanceOf(InterruptedException.class);
    assertThat(source.running).hasValue(0);
  }
}
