package io.sluice.bench.jmh;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;
import java.util.zip.CRC32C;
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

/** CRC32C of a chunk in off-heap memory, as every load computes it; one thread. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 3, time = 1)
@Fork(1)
public class Crc32cBenchmark {
  /** Bytes of a chunk: one in the cache, Redis' value, the default, and a large one. */
  @Param({"65536", "1048576", "8388608", "67108864"})
  public int chunkBytes;

  private Arena arena;
  private MemorySegment chunk;

  @Setup
  public void allocate() {
    arena = Arena.ofConfined();
    chunk = arena.allocate(chunkBytes, 1 << 12).fill((byte) 0x5a);
  }

  @TearDown
  public void free() {
    arena.close();
  }

  @Benchmark
  public long crc32c() {
    CRC32C crc = new CRC32C();
    crc.update(chunk.asByteBuffer());
    return crc.getValue();
  }
}
