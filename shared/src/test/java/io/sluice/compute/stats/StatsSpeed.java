package io.sluice.compute.stats;

import io.sluice.compute.RandomElements;
import io.sluice.compute.TensorBlock;
import io.sluice.model.DType;
import io.sluice.model.TensorInfo;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.List;
import java.util.Random;

/**
 * Speed of {@code stats} beside the speed at which the same bytes can be read: one thread, 256 MiB
 * in tensors of 8 MiB, by CPU time, so that a busy machine matters less. Run its main method; it is
 * no test.
 */
final class StatsSpeed {
  private static final long TENSOR = 8L << 20;
  private static final int TENSORS = 32;
  private static final int CHUNK = 1 << 16;
  private static final ThreadMXBean CLOCK = ManagementFactory.getThreadMXBean();

  private StatsSpeed() {}

  public static void main(String[] args) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment data = arena.allocate(TENSOR * TENSORS, 1 << 21);
      System.out.printf("read         %6.2f GB/s%n", best(() -> read(data)));
      for (DType dtype :
          List.of(
              DType.F32,
              DType.BF16,
              DType.F16,
              DType.I8,
              DType.F8_E4M3,
              DType.I16,
              DType.I32,
              DType.I64,
              DType.F64)) {
        byte[] some =
            RandomElements.bytes(
                dtype, "WEIGHTS", (int) (TENSOR / dtype.blockBytes()), new Random(1));
        for (int i = 0; i < TENSORS; i++) {
          MemorySegment.copy(some, 0, data, ValueLayout.JAVA_BYTE, i * TENSOR, some.length);
        }
        System.out.printf("%-12s %6.2f GB/s%n", dtype, best(() -> stats(dtype, data)));
      }
    }
  }

  private static double best(Runnable work) {
    long best = Long.MAX_VALUE;
    for (int i = 0; i < 7; i++) {
      long start = CLOCK.getCurrentThreadCpuTime();
      work.run();
      best = Math.min(best, CLOCK.getCurrentThreadCpuTime() - start);
    }
    return TENSOR * TENSORS / (double) best;
  }

  private static void read(MemorySegment data) {
    long[] chunk = new long[CHUNK / 8];
    long sum = 0;
    for (long at = 0; at < data.byteSize(); at += CHUNK) {
      MemorySegment.copy(data, ValueLayout.JAVA_LONG, at, chunk, 0, chunk.length);
      for (long value : chunk) {
        sum += value;
      }
    }
    if (sum == 42) {
      System.out.println();
    }
  }

  private static void stats(DType dtype, MemorySegment data) {
    TensorInfo tensor = new TensorInfo("t", dtype, List.of(1L, TENSOR / dtype.blockBytes()));
    long count = 0;
    for (int i = 0; i < TENSORS; i++) {
      count +=
          StatsKernel.of(new TensorBlock(tensor, 0, 1, data.asSlice(i * TENSOR, TENSOR))).count();
    }
    if (count != TENSORS * tensor.elements()) {
      throw new AssertionError(count);
    }
  }
}
