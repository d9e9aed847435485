package io.sluice.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.model.ByteRange;
import io.sluice.model.InvalidValueException;
import io.sluice.storage.file.FileShardStore;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ThrottledShardReaderTest {
  private static final int SIZE = 100_000;

  @TempDir Path folder;
  private FileShardStore store;
  private final byte[] bytes = new byte[SIZE];

  @BeforeEach
  void fill() {
    for (int i = 0; i < SIZE; i++) {
      bytes[i] = (byte) (i * 31);
    }
    store = new FileShardStore(folder);
    store.putIfAbsent("object", MemorySegment.ofArray(bytes));
  }

  @AfterEach
  void close() {
    store.close();
  }

  /** Time that passes only when somebody sleeps. */
  private static final class SleptTime implements Retrier.Clock {
    private long now = Long.MAX_VALUE - 1000; // nanoTime may overflow

    @Override
    public synchronized long nanoTime() {
      return now;
    }

    @Override
    public synchronized void sleep(long nanos) {
      now += nanos;
    }
  }

  @Test
  void aReadTakesAsLongAsItsBytesNeed() {
    SleptTime time = new SleptTime();
    ShardReader reader = new ThrottledShardReader(store, new Bandwidth(1_000_000), time);
    long start = time.nanoTime();
    byte[] read = new byte[SIZE];
    for (int i = 0; i < 4; i++) {
      reader.read("object", Optional.empty(), new ByteRange(0, SIZE), MemorySegment.ofArray(read));
    }
    assertThat(read).isEqualTo(bytes);
    assertThat(time.nanoTime() - start).isEqualTo(400_000_000L);
  }

  @Test
  void timeThatNobodyUsedIsNotSaved() {
    SleptTime time = new SleptTime();
    Bandwidth line = new Bandwidth(1000);
    line.take(1000, time.nanoTime());
    time.sleep(5_000_000_000L);
    Bandwidth.Slot slot = line.take(500, time.nanoTime());
    assertThat(slot.begin()).isEqualTo(time.nanoTime());
    assertThat(slot.end() - slot.begin()).isEqualTo(500_000_000L);
  }

  /** The lower bound is exact; how much longer it takes depends on the machine. */
  @Test
  void readsAtOnceShareTheLine() throws Exception {
    ShardReader reader = new ThrottledShardReader(store, new Bandwidth(2_000_000));
    long start = System.nanoTime();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<byte[]>> reads = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        reads.add(
            threads.submit(
                () -> {
                  byte[] read = new byte[SIZE];
                  reader.read(
                      "object",
                      Optional.empty(),
                      new ByteRange(0, SIZE),
                      MemorySegment.ofArray(read));
                  return read;
                }));
      }
      for (Future<byte[]> read : reads) {
        assertThat(read.get()).isEqualTo(bytes);
      }
    }
    assertThat(System.nanoTime() - start).isGreaterThanOrEqualTo(400_000_000L);
  }

  @Test
  void whoIsInterruptedWhileWaitingGetsNothing() throws Exception {
    Bandwidth line = new Bandwidth(1);
    line.take(1_000_000, System.nanoTime());
    ShardReader reader = new ThrottledShardReader(store, line);
    List<Throwable> thrown = new ArrayList<>();
    Thread thread =
        Thread.ofPlatform()
            .start(
                () -> {
                  try {
                    reader.read(
                        "object",
                        Optional.empty(),
                        new ByteRange(0, 8),
                        MemorySegment.ofArray(new byte[8]));
                  } catch (TransientStorageException e) {
                    if (Thread.currentThread().isInterrupted()) {
                      thrown.add(e);
                    }
                  }
                });
    thread.interrupt();
    thread.join();
    assertThat(thrown).hasSize(1);
  }

  @Test
  void aBandwidthIsPositive() {
    assertThatThrownBy(() -> new Bandwidth(0))
        .isInstanceOf(InvalidValueException.class)
        .hasMessageContaining("got 0");
  }
}
