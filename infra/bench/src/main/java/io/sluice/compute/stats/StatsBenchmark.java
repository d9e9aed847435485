package io.sluice.compute.stats;

import io.sluice.compute.TensorBlock;
import io.sluice.model.DType;
import io.sluice.model.TensorInfo;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
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

/** {@code stats} of tensors of 8 MiB out of 512 MiB beside a sum of the same bytes. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 3, time = 1)
@Fork(value = 1, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
public class StatsBenchmark {
  private static final long TENSOR = 8L << 20;
  private static final int TENSORS = 64;
  private static final ValueLayout.OfShort SHORTS =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  @Param({"F32", "F16", "BF16", "F64", "I8", "I32", "I64"})
  public String dtype;

  private MemorySegment data;
  private TensorInfo tensor;
  private final AtomicInteger next = new AtomicInteger();

  @Setup
  public void fill() {
    data = Arena.ofAuto().allocate(TENSOR * TENSORS, 1 << 21);
    DType type = DType.valueOf(dtype);
    tensor = new TensorInfo("t", type, List.of(1L, TENSOR / type.blockBytes()));
    Random random = new Random(1);
    for (long at = 0; at < TENSOR; at += type.blockBytes()) {
      float value = (float) (random.nextGaussian() * 0.02);
      switch (type) {
        case F32 -> data.set(ValueLayout.JAVA_FLOAT, at, value);
        case F64 -> data.set(ValueLayout.JAVA_DOUBLE, at, random.nextGaussian());
        case F16 -> data.set(SHORTS, at, Float.floatToFloat16(value));
        case BF16 -> data.set(SHORTS, at, (short) (Float.floatToRawIntBits(value) >>> 16));
        case I8 -> data.set(ValueLayout.JAVA_BYTE, at, (byte) random.nextInt());
        case I32 -> data.set(ValueLayout.JAVA_INT, at, random.nextInt());
        default -> data.set(ValueLayout.JAVA_LONG, at, random.nextLong());
      }
    }
    for (int i = 1; i < TENSORS; i++) {
      MemorySegment.copy(data, 0, data, i * TENSOR, TENSOR);
    }
  }

  private MemorySegment some() {
    return data.asSlice(Math.floorMod(next.getAndIncrement(), TENSORS) * TENSOR, TENSOR);
  }

  /** How fast the bytes can be read: a sum of them as floats, straight from the segment. */
  @Benchmark
  public float read() {
    MemorySegment bytes = some();
    FloatVector a = FloatVector.zero(FloatVector.SPECIES_256);
    FloatVector b = a;
    FloatVector c = a;
    FloatVector d = a;
    for (long at = 0; at < TENSOR; at += 128) {
      a = a.add(load(bytes, at));
      b = b.add(load(bytes, at + 32));
      c = c.add(load(bytes, at + 64));
      d = d.add(load(bytes, at + 96));
    }
    return a.add(b).add(c.add(d)).reduceLanes(VectorOperators.ADD);
  }

  private static FloatVector load(MemorySegment bytes, long at) {
    return FloatVector.fromMemorySegment(
        FloatVector.SPECIES_256, bytes, at, ByteOrder.LITTLE_ENDIAN);
  }

  @Benchmark
  public StatsPartial vectors() {
    return StatsKernel.of(new TensorBlock(tensor, 0, 1, some()), true);
  }

  /** The twin without vectors. */
  @Benchmark
  public StatsPartial scalars() {
    return StatsKernel.of(new TensorBlock(tensor, 0, 1, some()), false);
  }

  @Benchmark
  public Histogram histogram() {
    return HistogramKernel.of(new TensorBlock(tensor, 0, 1, some()));
  }
}
