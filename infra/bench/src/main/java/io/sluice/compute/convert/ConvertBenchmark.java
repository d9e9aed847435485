package io.sluice.compute.convert;

import io.sluice.compute.TensorBlock;
import io.sluice.compute.kernel.Vectors;
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
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** Conversions, with errors measured, of F32 tensors of 8 MiB, 2048 × 1024, out of 512 MiB. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 3, time = 1)
@Fork(value = 1, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
public class ConvertBenchmark {
  private static final long TENSOR = 8L << 20;
  private static final int TENSORS = 64;

  /** What each thread writes into. */
  @State(Scope.Thread)
  public static class Target {
    final MemorySegment out = Arena.ofAuto().allocate(TENSOR, 64);
    final MemorySegment scales = Arena.ofAuto().allocate(4 * 2048, 64);
  }

  @Param({"F16", "BF16", "I8", "Q8_0", "Q4_0"})
  public String to;

  private final TensorInfo tensor = new TensorInfo("t", DType.F32, List.of(2048L, 1024L));
  private final AtomicInteger next = new AtomicInteger();
  private MemorySegment data;
  private DType type;

  @Setup
  public void fill() {
    type = DType.valueOf(to);
    data = Arena.ofAuto().allocate(TENSOR * TENSORS, 1 << 21);
    Random random = new Random(1);
    for (long at = 0; at < TENSOR; at += 4) {
      data.set(ValueLayout.JAVA_FLOAT, at, (float) (random.nextGaussian() * 0.02));
    }
    for (int i = 1; i < TENSORS; i++) {
      MemorySegment.copy(data, 0, data, i * TENSOR, TENSOR);
    }
  }

  private ErrorSums convert(Target target, Vectors.Reading reading) {
    long at = Math.floorMod(next.getAndIncrement(), TENSORS) * TENSOR;
    TensorBlock block = new TensorBlock(tensor, 0, 2048, data.asSlice(at, TENSOR));
    List<MemorySegment> out =
        List.of(target.out.asSlice(0, type.bytes(tensor.elements())), target.scales);
    return new RowConverter(false, reading).convert(block, type, out);
  }

  /** As jobs do. */
  @Benchmark
  public ErrorSums vectors(Target target) {
    return convert(target, Vectors.Reading.SEGMENTS);
  }

  /** As jobs in native executables do. */
  @Benchmark
  public ErrorSums arrays(Target target) {
    return convert(target, Vectors.Reading.ARRAYS);
  }

  /** The twin without vectors. */
  @Benchmark
  public ErrorSums scalars(Target target) {
    return convert(target, Vectors.Reading.SCALARS);
  }
}
