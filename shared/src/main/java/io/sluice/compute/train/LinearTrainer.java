package io.sluice.compute.train;

import io.sluice.compute.kernel.LinearKernel;
import java.util.Arrays;

/**
 * Gradients and steps of linear models. Every result is the same to the bit on every machine: the
 * kernel's order is fixed, partial gradients are floats of at most {@value #BLOCK} rows that are
 * added up as doubles in order, and logarithms are those of {@link StrictMath}.
 */
final class LinearTrainer {
  /** Rows whose gradient is summed in floats. */
  static final int BLOCK = 256;

  /** Numbers behind the gradient in a partial result: losses, hits and rows. */
  static final int TAIL = 3;

  private final Objective objective;
  private final Layout layout;
  private final LinearKernel kernel;
  private final Runnable check;

  /**
   * @param check throws if the work is in vain; asked after each block of rows
   */
  LinearTrainer(Objective objective, Layout layout, LinearKernel kernel, Runnable check) {
    this.objective = objective;
    this.layout = layout;
    this.kernel = kernel;
    this.check = check;
  }

  /**
   * The sum of the gradients of some rows at the parameters, and their losses, hits and number
   * behind it.
   *
   * @param picked which of the rows, the first {@code count}
   */
  double[] gradient(Rows rows, int[] picked, int count, float[] parameters) {
    double[] sum = new double[layout.parameters() + TAIL];
    add(rows, picked, count, parameters, new Scratch(), sum);
    return sum;
  }

  /** Arrays that are used again and again. */
  private final class Scratch {
    final float[] weights = new float[layout.weights()];
    final float[] bias = new float[layout.outputs()];
    final float[] gradient = new float[layout.weights()];
    final float[] errors = new float[BLOCK * layout.outputs()];
    final float[] logits = new float[objective == Objective.SOFTMAX ? errors.length : 0];
    final int[] block = new int[BLOCK];
  }

  private void add(
      Rows rows, int[] picked, int count, float[] parameters, Scratch s, double[] sum) {
    System.arraycopy(parameters, 0, s.weights, 0, s.weights.length);
    System.arraycopy(parameters, s.weights.length, s.bias, 0, s.bias.length);
    for (int from = 0; from < count; from += BLOCK) {
      check.run();
      int size = Math.min(BLOCK, count - from);
      System.arraycopy(picked, from, s.block, 0, size);
      kernel.forward(
          rows.x(), s.block, size, layout.stride(), s.weights, s.bias, layout.outputs(), s.errors);
      if (objective == Objective.SOFTMAX) {
        softmaxErrors(rows, s, size, sum);
      } else {
        squareErrors(rows, s, size, sum);
      }
      Arrays.fill(s.gradient, 0);
      kernel.backward(
          rows.x(), s.block, size, layout.stride(), s.errors, layout.outputs(), s.gradient);
      for (int i = 0; i < s.gradient.length; i++) {
        sum[i] += s.gradient[i];
      }
      for (int r = 0; r < size; r++) {
        for (int j = 0; j < layout.outputs(); j++) {
          sum[s.gradient.length + j] += s.errors[r * layout.outputs() + j];
        }
      }
      sum[layout.parameters() + LinearState.ROWS] += size;
    }
  }

  /** Turns scores into probabilities less one at the true class. */
  private void softmaxErrors(Rows rows, Scratch s, int size, double[] sum) {
    int k = layout.outputs();
    for (int r = 0; r < size; r++) {
      int at = r * k;
      int best = argmax(s.errors, at, k);
      float max = s.errors[at + best];
      for (int j = 0; j < k; j++) {
        s.errors[at + j] -= max;
      }
      if (best == rows.labels()[s.block[r]]) {
        sum[layout.parameters() + LinearState.HITS]++;
      }
    }
    System.arraycopy(s.errors, 0, s.logits, 0, size * k);
    kernel.exp(s.errors, size * k);
    for (int r = 0; r < size; r++) {
      int at = r * k;
      int label = rows.labels()[s.block[r]];
      double total = 0;
      for (int j = 0; j < k; j++) {
        total += s.errors[at + j];
      }
      sum[layout.parameters() + LinearState.LOSS] += StrictMath.log(total) - s.logits[at + label];
      for (int j = 0; j < k; j++) {
        s.errors[at + j] = (float) (s.errors[at + j] / total);
      }
      s.errors[at + label] -= 1;
    }
  }

  /** Turns predictions into their distances from the targets. */
  private void squareErrors(Rows rows, Scratch s, int size, double[] sum) {
    int k = layout.outputs();
    double loss = 0;
    for (int r = 0; r < size; r++) {
      for (int j = 0; j < k; j++) {
        float error = s.errors[r * k + j] - rows.targets()[s.block[r] * k + j];
        s.errors[r * k + j] = error;
        loss += (double) error * error;
      }
    }
    sum[layout.parameters() + LinearState.LOSS] += loss;
  }

  /** The first of the largest; the first of all if none is a number. */
  static int argmax(float[] values, int at, int count) {
    int best = 0;
    for (int j = 1; j < count; j++) {
      if (values[at + j] > values[at + best]) {
        best = j;
      }
    }
    return best;
  }

  /**
   * One step of gradient descent, in place.
   *
   * @param state whose parameters, velocity and running sums are changed
   * @param gradient what {@link #gradient} gave, of all partitions
   * @param rate learning rate of this epoch
   */
  void step(LinearState state, double[] gradient, double rate, double l2, double momentum) {
    int weights = layout.weights();
    float[] p = state.parameters();
    double rows = gradient[layout.parameters() + LinearState.ROWS];
    for (int i = 0; i < p.length; i++) {
      double g = gradient[i] / rows;
      if (i < weights) {
        g += l2 * p[i];
      }
      if (momentum > 0) {
        state.velocity()[i] = (float) (momentum * state.velocity()[i] + g);
        g = state.velocity()[i];
      }
      p[i] = (float) (p[i] - rate * g);
    }
    for (int i = 0; i < TAIL; i++) {
      state.running()[i] += gradient[layout.parameters() + i];
    }
  }

  /**
   * Steps over batches of one partition alone, from a common state.
   *
   * @param order rows in the order in which they are taken
   * @param batch rows of a step
   * @return parameters and velocity times the number of rows of the partition, then the sums of
   *     losses, hits and rows of the steps, then the rows of the partition: what adds up over
   *     partitions to their weighted mean
   */
  double[] local(
      Rows rows,
      int[] order,
      int batch,
      LinearState start,
      double rate,
      double l2,
      double momentum) {
    LinearState state =
        new LinearState(
            layout,
            start.parameters().clone(),
            start.velocity().clone(),
            new double[TAIL],
            new double[0]);
    Scratch scratch = new Scratch();
    for (int from = 0; from < order.length; from += batch) {
      int count = Math.min(batch, order.length - from);
      int[] picked = Arrays.copyOfRange(order, from, from + count);
      double[] sum = new double[layout.parameters() + TAIL];
      add(rows, picked, count, state.parameters(), scratch, sum);
      step(state, sum, rate, l2, momentum);
    }
    int n = layout.parameters();
    int v = state.velocity().length;
    double[] result = new double[n + v + TAIL + 1];
    for (int i = 0; i < n; i++) {
      result[i] = (double) state.parameters()[i] * rows.count();
    }
    for (int i = 0; i < v; i++) {
      result[n + i] = (double) state.velocity()[i] * rows.count();
    }
    System.arraycopy(state.running(), 0, result, n + v, TAIL);
    result[n + v + TAIL] = rows.count();
    return result;
  }

  /** Takes the mean of what {@link #local} gave, summed over the partitions, in place. */
  void average(LinearState state, double[] sum) {
    int n = layout.parameters();
    int v = state.velocity().length;
    double rows = sum[n + v + TAIL];
    for (int i = 0; i < n; i++) {
      state.parameters()[i] = (float) (sum[i] / rows);
    }
    for (int i = 0; i < v; i++) {
      state.velocity()[i] = (float) (sum[n + i] / rows);
    }
    for (int i = 0; i < TAIL; i++) {
      state.running()[i] += sum[n + v + i];
    }
  }

  /** What a model says of rows. */
  interface Scores {
    /**
     * @param firstRow of the block
     * @param count rows of it
     * @param scores {@code count} rows of outputs: probabilities, or predicted targets
     */
    void block(int firstRow, int count, float[] scores);
  }

  /** Runs the model on rows, block by block. */
  void predict(Rows rows, float[] parameters, Scores scores) {
    int k = layout.outputs();
    Scratch s = new Scratch();
    System.arraycopy(parameters, 0, s.weights, 0, s.weights.length);
    System.arraycopy(parameters, s.weights.length, s.bias, 0, s.bias.length);
    for (int from = 0; from < rows.count(); from += BLOCK) {
      check.run();
      int size = Math.min(BLOCK, rows.count() - from);
      for (int i = 0; i < size; i++) {
        s.block[i] = from + i;
      }
      kernel.forward(rows.x(), s.block, size, layout.stride(), s.weights, s.bias, k, s.errors);
      if (objective == Objective.SOFTMAX) {
        probabilities(s.errors, size);
      }
      scores.block(from, size, s.errors);
    }
  }

  private void probabilities(float[] scores, int size) {
    int k = layout.outputs();
    for (int r = 0; r < size; r++) {
      float max = scores[r * k + argmax(scores, r * k, k)];
      for (int j = 0; j < k; j++) {
        scores[r * k + j] -= max;
      }
    }
    kernel.exp(scores, size * k);
    for (int r = 0; r < size; r++) {
      double total = 0;
      for (int j = 0; j < k; j++) {
        total += scores[r * k + j];
      }
      for (int j = 0; j < k; j++) {
        scores[r * k + j] = (float) (scores[r * k + j] / total);
      }
    }
  }
}
