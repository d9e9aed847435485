package io.sluice.compute.kernel;

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
 * Scores and gradients of a block of 256 rows, as each step of a training computes them: with
 * vectors, with the plain loops that give the same bits, and as one would write it first. One
 * thread; rows times features times outputs, twice, are the multiply-adds of one call.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 3, time = 1)
@Fork(value = 1, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
public class LinearKernelBenchmark {
  private static final int ROWS = 256;

  /** Features and outputs: digits, MNIST, a regression. */
  @Param({"64x10", "784x10", "1024x1"})
  public String shape;

  private final LinearKernel vectors = LinearKernel.best();
  private final LinearKernel loops = new ScalarLinearKernel();
  private final int[] rows = new int[ROWS];
  private int features;
  private int outputs;
  private float[] x;
  private float[] weights;
  private float[] bias;
  private float[] scores;
  private float[] gradient;

  /** Random rows. */
  @Setup
  public void fill() {
    features = Integer.parseInt(shape.substring(0, shape.indexOf('x')));
    outputs = Integer.parseInt(shape.substring(shape.indexOf('x') + 1));
    Random random = new Random(1);
    x = floats(random, ROWS * features);
    weights = floats(random, outputs * features);
    bias = floats(random, outputs);
    scores = new float[ROWS * outputs];
    gradient = new float[outputs * features];
    for (int i = 0; i < ROWS; i++) {
      rows[i] = (i * 37) % ROWS;
    }
  }

  private static float[] floats(Random random, int count) {
    float[] floats = new float[count];
    for (int i = 0; i < count; i++) {
      floats[i] = (float) random.nextGaussian() * 1e-3f;
    }
    return floats;
  }

  @Benchmark
  public float[] vectors() {
    vectors.forward(x, rows, ROWS, features, weights, bias, outputs, scores);
    vectors.backward(x, rows, ROWS, features, scores, outputs, gradient);
    return gradient;
  }

  @Benchmark
  public float[] loops() {
    loops.forward(x, rows, ROWS, features, weights, bias, outputs, scores);
    loops.backward(x, rows, ROWS, features, scores, outputs, gradient);
    return gradient;
  }

  @Benchmark
  public float[] naive() {
    for (int r = 0; r < ROWS; r++) {
      int row = rows[r] * features;
      for (int j = 0; j < outputs; j++) {
        float sum = bias[j];
        for (int i = 0; i < features; i++) {
          sum += x[row + i] * weights[j * features + i];
        }
        for (int i = 0; i < features; i++) {
          gradient[j * features + i] += sum * x[row + i];
        }
      }
    }
    return gradient;
  }
}
