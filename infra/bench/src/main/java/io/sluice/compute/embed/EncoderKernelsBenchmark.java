package io.sluice.compute.embed;

import java.util.Arrays;
import java.util.Random;
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
import org.openjdk.jmh.annotations.Warmup;

/**
 * The kernels of an encoder at the sizes of all-MiniLM-L6-v2, 16 tokens: vectors of 512 and 256
 * bits beside plain loops.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 3, time = 1)
@Fork(value = 1, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
public class EncoderKernelsBenchmark {
  private static final int TOKENS = 16;
  private static final int HIDDEN = 384;
  private static final int WIDE = 1536;

  /** Which kernels. */
  @Param({"wide", "vector", "scalar"})
  public String kind;

  private final float[] x = new float[TOKENS * WIDE];
  private final float[] y = new float[TOKENS * WIDE];
  private final float[] scale = new float[HIDDEN];
  private EncoderKernels kernels;
  private PackedMatrix matrix;

  /** Random numbers, the same each time. */
  @Setup
  public void fill() {
    kernels = kind.equals("scalar") ? new ScalarKernels() : new VectorKernels(kind.equals("wide"));
    Random random = new Random(1);
    float[] weights = new float[HIDDEN * WIDE];
    for (int i = 0; i < weights.length; i++) {
      weights[i] = random.nextFloat() - 0.5f;
    }
    System.arraycopy(weights, 0, x, 0, x.length);
    Arrays.fill(scale, 1);
    matrix = PackedMatrix.ofColumns(weights, 0, HIDDEN, HIDDEN, WIDE);
  }

  /** 16 × 384 times 384 × 1536. */
  @Benchmark
  public float[] product() {
    Arrays.fill(y, 0);
    kernels.multiplyAdd(x, 0, HIDDEN, TOKENS, matrix.data(), HIDDEN, WIDE, y, 0, WIDE);
    return y;
  }

  /** 16 × 1536. */
  @Benchmark
  public float[] gelu() {
    System.arraycopy(x, 0, y, 0, x.length);
    kernels.gelu(y, 0, y.length);
    return y;
  }

  /** The scores of 12 heads, 16 × 16 each. */
  @Benchmark
  public float[] softmax() {
    System.arraycopy(x, 0, y, 0, 12 * TOKENS * TOKENS);
    kernels.softmax(y, 12 * TOKENS, TOKENS, TOKENS);
    return y;
  }

  /** 16 × 384. */
  @Benchmark
  public float[] layerNorm() {
    System.arraycopy(x, 0, y, 0, TOKENS * HIDDEN);
    kernels.layerNorm(y, x, TOKENS, HIDDEN, scale, scale, 1e-12f);
    return y;
  }
}
