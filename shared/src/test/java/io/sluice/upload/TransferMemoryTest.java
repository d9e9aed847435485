package io.sluice.upload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.Eventually;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(180)
class TransferMemoryTest {
  private static final long MIB = 1L << 20;

  @Test
  void whoeverFindsNoRoomWaits() throws Exception {
    try (TransferMemory memory = new TransferMemory(8 * MIB)) {
      TransferMemory.Buffer first = memory.acquire(5 * MIB);
      CountDownLatch got = new CountDownLatch(1);
      Thread second =
          Thread.ofVirtual()
              .start(
                  () -> {
                    try (TransferMemory.Buffer buffer = memory.acquire(4 * MIB + 1)) {
                      buffer.segment().fill((byte) 1);
                      got.countDown();
                    } catch (InterruptedException e) {
                      Thread.currentThread().interrupt();
                    }
                  });
      assertThat(got.await(50, TimeUnit.MILLISECONDS)).isFalse();
      first.close();
      first.close(); // counts once
      assertThat(got.await(10, TimeUnit.SECONDS)).isTrue();
      second.join();
    }
  }

  @Test
  void memoryThatCameBackIsUsedAgainAsItIs() throws Exception {
    try (TransferMemory memory = new TransferMemory(16 * MIB);
        TransferMemory.Buffer other = memory.acquire(1)) {
      long address;
      try (TransferMemory.Buffer buffer = memory.acquire(6 * MIB)) {
        address = buffer.segment().address();
        buffer.segment().set(ValueLayout.JAVA_BYTE, 5 * MIB, (byte) 7);
      }
      try (TransferMemory.Buffer buffer = memory.acquire(5 * MIB + 9)) {
        assertThat(buffer.segment().byteSize()).isEqualTo(5 * MIB + 9);
        assertThat(buffer.segment().address()).isEqualTo(address);
        assertThat(buffer.segment().get(ValueLayout.JAVA_BYTE, 5 * MIB)).isEqualTo((byte) 7);
      }
      // What is kept makes room for what is wanted.
      try (TransferMemory.Buffer large = memory.acquire(15 * MIB)) {
        large.segment().fill((byte) 2);
      }
      assertThat(other.segment().byteSize()).isEqualTo(1);
    }
  }

  @Test
  void whatNobodyUsesGoesBackToTheSystem() throws Exception {
    try (TransferMemory memory = new TransferMemory(16 * MIB)) {
      memory.acquire(6 * MIB).close();
      assertThat(memory.heldBytes()).isEqualTo(6 * MIB);
      Eventually.eventually("the memory to go back", () -> memory.heldBytes() == 0);
      memory.acquire(6 * MIB).close();
      assertThat(memory.heldBytes()).isEqualTo(6 * MIB);
    }
  }

  @Test
  void theBoundHoldsUnderManyRequests() throws Exception {
    long bound = 12 * MIB;
    AtomicLong inUse = new AtomicLong();
    AtomicLong most = new AtomicLong();
    List<Thread> threads = new ArrayList<>();
    List<Throwable> failures = java.util.Collections.synchronizedList(new ArrayList<>());
    try (TransferMemory memory = new TransferMemory(bound)) {
      for (int i = 0; i < 8; i++) {
        Random random = new Random(i);
        threads.add(
            Thread.ofVirtual()
                .start(
                    () -> {
                      try {
                        for (int n = 0; n < 200; n++) {
                          long size = 1 + random.nextLong(bound);
                          try (TransferMemory.Buffer buffer = memory.acquire(size)) {
                            most.accumulateAndGet(inUse.addAndGet(size), Math::max);
                            buffer.segment().set(ValueLayout.JAVA_BYTE, size - 1, (byte) n);
                            Thread.yield();
                            inUse.addAndGet(-size);
                          }
                        }
                      } catch (InterruptedException | RuntimeException e) {
                        failures.add(e);
                      }
                    }));
      }
      for (Thread thread : threads) {
        thread.join();
      }
    }
    assertThat(failures).isEmpty();
    assertThat(most.get()).isLessThanOrEqualTo(bound);
  }

  @Test
  void moreThanTheBoundIsRefused() {
    try (TransferMemory memory = new TransferMemory(MIB)) {
      assertThatThrownBy(() -> memory.acquire(MIB + 1))
          .isInstanceOfSatisfying(
              UploadException.class,
              e -> assertThat(e.code()).isEqualTo("upload-memory-too-small"));
    }
  }
}
