package io.sluice.compute.compare;

import io.sluice.compute.TensorBlock;
import io.sluice.model.DType;
import io.sluice.model.TensorInfo;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** Comparison of F32 tensors of 8 MiB, 2048 × 1024, out of 512 MiB. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 3, time = 1)
@Fork(value = 1, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
public class CompareBenchmark {
  private static final long TENSOR = 8L << 20;
  private static final int TENSORS = 64;

  private final TensorInfo tensor = new TensorInfo("t", DType.F32, List.of(2048L, 1024L));
  private final AtomicInteger next = new AtomicInteger();
  private MemorySegment data;

  @Setup
  public void fill() {
    data = Arena.ofAuto().allocate(TENSOR * TENSORS, 1 << 21);
    Random random = new Random(1);
    for (long at = 0; at < TENSOR * TENSORS; at += 4) {
      data.set(ValueLayout.JAVA_FLOAT, at, random.nextFloat() - 0.5f);
    }
  }

  private TensorBlock some() {
    long at = Math.floorMod(next.getAndIncrement(), TENSORS) * TENSOR;
    return new TensorBlock(tensor, 0, 2048, data.asSlice(at, TENSOR));
  }

  @Benchmark
  public PairSums compare() {
    return PairKernel.of(some(), some());
  }
}
