package io.sluice.compute.kernel;

import io.sluice.model.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
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
 * The 10 nearest of a million rows of 384 floats (1.5 GB outside the heap), and three loops that
 * find only the nearest.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 1, time = 3)
@Measurement(iterations = 2, time = 3)
@Fork(
    value = 1,
    jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "-Xmx256m"})
public class NearestBenchmark {
  private static final int ROWS = 1_000_000;
  private static final int COLUMNS = 384;

  /** Number of queries. */
  @Param({"1", "32"})
  public int n;

  @Param({"COSINE", "DOT", "L2"})
  public Nearest.Metric metric;

  @Param({"1", "2"})
  public int threads;

  private Arena arena;
  private ExecutorService pool;
  private Parallel parallel;
  private MemorySegment data;
  private float[] queries;

  @Setup
  public void fill() {
    arena = Arena.ofShared();
    pool = Executors.newFixedThreadPool(threads);
    parallel = Parallel.away(pool, threads);
    data = arena.allocate(4L * ROWS * COLUMNS, 1 << 21);
    Random random = new Random(1);
    float[] row = new float[COLUMNS];
    for (int i = 0; i < ROWS; i++) {
      for (int k = 0; k < COLUMNS; k++) {
        row[k] = random.nextFloat() - 0.5f;
      }
      MemorySegment.copy(row, 0, data, ValueLayout.JAVA_FLOAT_UNALIGNED, 4L * i * COLUMNS, COLUMNS);
    }
    queries = new float[n * COLUMNS];
    for (int i = 0; i < queries.length; i++) {
      queries[i] = random.nextFloat() - 0.5f;
    }
  }

  @TearDown
  public void free() {
    pool.shutdown();
    arena.close();
  }

  @Benchmark
  public Ranking nearest() {
    return new Nearest(metric, queries, n, COLUMNS, 10)
        .rank(Weights.of(data, DType.F32, ROWS, COLUMNS), 0, parallel, () -> false);
  }

  /** Dot products in doubles, row by row, on one thread. */
  @Benchmark
  public int naive() {
    float[] row = new float[COLUMNS];
    int best = -1;
    for (int query = 0; query < n; query++) {
      double most = Double.NEGATIVE_INFINITY;
      for (int i = 0; i < ROWS; i++) {
        MemorySegment.copy(
            data, ValueLayout.JAVA_FLOAT_UNALIGNED, 4L * i * COLUMNS, row, 0, COLUMNS);
        double sum = 0;
        for (int k = 0; k < COLUMNS; k++) {
          sum += (double) row[k] * queries[query * COLUMNS + k];
        }
        if (sum > most) {
          most = sum;
          best = i;
        }
      }
    }
    return best;
  }
}
