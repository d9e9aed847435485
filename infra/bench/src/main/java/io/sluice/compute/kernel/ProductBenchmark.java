package io.sluice.compute.kernel;

import io.sluice.model.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
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
 * y = x Wᵀ for W of 4096 x 4096 outside the heap: with vectors, without, as in a native executable
 * (where W is copied into arrays), and as three loops.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 2, time = 2)
@Measurement(iterations = 3, time = 2)
@Fork(
    value = 1,
    jvmArgsAppend = {"--add-modules=jdk.incubator.vector"})
public class ProductBenchmark {
  private static final int SIZE = 4096;

  /** Rows of x. */
  @Param({"1", "16", "512"})
  public int n;

  @Param({"F32", "F16", "BF16", "Q8_0"})
  public DType dtype;

  @Param({"1", "2"})
  public int threads;

  private Arena arena;
  private ExecutorService pool;
  private Parallel parallel;
  private Weights w;
  private float[] floats;
  private float[] x;
  private float[] y;

  @Setup
  public void fill() {
    arena = Arena.ofShared();
    pool = Executors.newFixedThreadPool(threads);
    parallel = Parallel.away(pool, threads);
    MemorySegment data = arena.allocate(dtype.bytes((long) SIZE * SIZE), 1 << 21);
    w = Weights.of(data, dtype, SIZE, SIZE);
    floats = new float[SIZE * SIZE];
    Random random = new Random(1);
    x = new float[n * SIZE];
    for (int i = 0; i < x.length; i++) {
      x[i] = random.nextFloat();
    }
    y = new float[n * SIZE];
  }

  @TearDown
  public void free() {
    pool.shutdown();
    arena.close();
  }

  @Benchmark
  public float[] vectors() {
    Gemm.multiply(w, x, 0, n, y, 0, SIZE, parallel, new VectorDots());
    return y;
  }

  @Benchmark
  public float[] vectorsAsInNative() {
    Gemm.multiply(w, x, 0, n, y, 0, SIZE, parallel, new VectorDots(false));
    return y;
  }

  @Benchmark
  public float[] scalar() {
    Gemm.multiply(w, x, 0, n, y, 0, SIZE, parallel, new ScalarDots());
    return y;
  }

  /** On one thread, of floats in an array, for at most 16 rows: more take minutes. */
  @Benchmark
  public float[] naive() {
    for (int i = 0; i < Math.min(n, 16); i++) {
      for (int j = 0; j < SIZE; j++) {
        float sum = 0;
        for (int k = 0; k < SIZE; k++) {
          sum += x[i * SIZE + k] * floats[j * SIZE + k];
        }
        y[i * SIZE + j] = sum;
      }
    }
    return y;
  }
}
