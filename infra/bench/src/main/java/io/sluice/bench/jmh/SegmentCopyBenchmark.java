package io.sluice.bench.jmh;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.TimeUnit;
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
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * The copies that a receive into the final memory saves, and those that kernels make of blocks; one
 * thread.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 3, time = 1)
@Fork(1)
public class SegmentCopyBenchmark {
  @Param({"65536", "1048576", "8388608"})
  public int bytes;

  private Arena arena;
  private MemorySegment from;
  private MemorySegment to;
  private byte[] heap;
  private float[] floats;

  @Setup
  public void allocate() {
    arena = Arena.ofConfined();
    from = arena.allocate(bytes, 1 << 12).fill((byte) 0x3f);
    to = arena.allocate(bytes, 1 << 12).fill((byte) 0);
    heap = new byte[bytes];
    floats = new float[bytes / Float.BYTES];
  }

  @TearDown
  public void free() {
    arena.close();
  }

  @Benchmark
  public MemorySegment nativeToNative() {
    return to.copyFrom(from);
  }

  @Benchmark
  public byte[] nativeToArray() {
    MemorySegment.copy(from, ValueLayout.JAVA_BYTE, 0, heap, 0, heap.length);
    return heap;
  }

  @Benchmark
  public MemorySegment arrayToNative() {
    MemorySegment.copy(heap, 0, to, ValueLayout.JAVA_BYTE, 0, heap.length);
    return to;
  }

  @Benchmark
  public float[] nativeToFloats() {
    MemorySegment.copy(from, ValueLayout.JAVA_FLOAT, 0, floats, 0, floats.length);
    return floats;
  }
}
