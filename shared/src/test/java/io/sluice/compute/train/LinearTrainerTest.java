package io.sluice.compute.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.sluice.compute.kernel.LinearKernel;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Gradients against differences of losses in doubles; steps against their formulas. */
class LinearTrainerTest {
  private static final int ROWS = 600;
  private static final Layout LAYOUT = new Layout(5, 3);

  private static Rows rows(Random random) {
    float[] x = new float[ROWS * LAYOUT.stride()];
    int[] labels = new int[ROWS];
    float[] targets = new float[ROWS * 3];
    for (int r = 0; r < ROWS; r++) {
      for (int c = 0; c < 5; c++) {
        x[r * LAYOUT.stride() + c] = (float) random.nextGaussian();
      }
      labels[r] = random.nextInt(3);
      for (int j = 0; j < 3; j++) {
        targets[r * 3 + j] = (float) random.nextGaussian();
      }
    }
    return new Rows(ROWS, 5, x, labels, targets);
  }

  private static float[] parameters(Random random) {
    float[] p = new float[LAYOUT.parameters()];
    for (int j = 0; j < 3; j++) {
      for (int c = 0; c < 5; c++) {
        p[j * LAYOUT.stride() + c] = (float) random.nextGaussian();
      }
      p[LAYOUT.weights() + j] = (float) random.nextGaussian();
    }
    return p;
  }

  /** The sum of losses over rows, in doubles. */
  private static double loss(Objective objective, Rows rows, int[] picked, double[] p) {
    double loss = 0;
    for (int row : picked) {
      double[] z = new double[3];
      for (int j = 0; j < 3; j++) {
        z[j] = p[LAYOUT.weights() + j];
        for (int c = 0; c < 5; c++) {
          z[j] += p[j * LAYOUT.stride() + c] * rows.x()[row * LAYOUT.stride() + c];
        }
      }
      if (objective == Objective.SOFTMAX) {
        double total = Math.exp(z[0]) + Math.exp(z[1]) + Math.exp(z[2]);
        loss += Math.log(total) - z[rows.labels()[row]];
      } else {
        for (int j = 0; j < 3; j++) {
          loss += Math.pow(z[j] - rows.targets()[row * 3 + j], 2) / 2;
        }
      }
    }
    return loss;
  }

  @ParameterizedTest
  @EnumSource
  void gradientsAreThoseOfTheLoss(Objective objective) {
    Random random = new Random(11);
    Rows rows = rows(random);
    float[] p = parameters(random);
    int[] picked = random.ints(555, 0, ROWS).toArray();
    LinearTrainer trainer = new LinearTrainer(objective, LAYOUT, LinearKernel.best(), () -> {});
    double[] gradient = trainer.gradient(rows, picked, picked.length, p);
    double[] exact = new double[p.length];
    for (int i = 0; i < p.length; i++) {
      exact[i] = p[i];
    }
    for (int i = 0; i < p.length; i++) {
      boolean padding = i < LAYOUT.weights() && i % LAYOUT.stride() >= 5;
      double h = 1e-4;
      double[] up = exact.clone();
      double[] down = exact.clone();
      up[i] += h;
      down[i] -= h;
      double slope =
          padding
              ? 0
              : (loss(objective, rows, picked, up) - loss(objective, rows, picked, down)) / (2 * h);
      assertThat(gradient[i]).as("parameter %d", i).isCloseTo(slope, within(2e-3));
    }
    double factor = objective == Objective.LINEAR ? 2 : 1;
    assertThat(gradient[p.length + LinearState.LOSS])
        .isCloseTo(factor * loss(objective, rows, picked, exact), within(1e-3));
    assertThat(gradient[p.length + LinearState.ROWS]).isEqualTo(555);
  }

  @Test
  void aStepWithPenaltyAndMomentum() {
    LinearTrainer trainer =
        new LinearTrainer(Objective.LINEAR, LAYOUT, LinearKernel.best(), () -> {});
    LinearState state = LinearState.zero(LAYOUT, true);
    state.parameters()[0] = 2;
    state.parameters()[LAYOUT.weights()] = 3;
    double[] gradient = new double[LAYOUT.parameters() + LinearTrainer.TAIL];
    gradient[0] = 10;
    gradient[LAYOUT.weights()] = 20;
    gradient[LAYOUT.parameters() + LinearState.ROWS] = 10;
    trainer.step(state, gradient, 0.5, 0.25, 0.5);
    trainer.step(state, gradient, 0.5, 0.25, 0.5);
    // v = 1 + 0.25 · 2 = 1.5, w = 1.25; v = 0.75 + 1 + 0.25 · 1.25 = 2.0625, w = 0.21875
    assertThat(state.parameters()[0]).isEqualTo(0.21875f);
    // no penalty on the bias: v = 2, b = 2; v = 3, b = 0.5
    assertThat(state.parameters()[LAYOUT.weights()]).isEqualTo(0.5f);
    assertThat(state.running()[LinearState.ROWS]).isEqualTo(20);
  }

  /** With one partition, local steps are the steps that all would make together. */
  @ParameterizedTest
  @EnumSource
  void localStepsOfAllRowsAreTheSameSteps(Objective objective) {
    Random random = new Random(12);
    Rows rows = rows(random);
    LinearTrainer trainer = new LinearTrainer(objective, LAYOUT, LinearKernel.best(), () -> {});
    int[] order = IntStream.range(0, ROWS).map(i -> (i * 7) % ROWS).toArray();
    LinearState together = LinearState.zero(LAYOUT, true);
    for (int from = 0; from < ROWS; from += 100) {
      int[] picked = java.util.Arrays.copyOfRange(order, from, from + 100);
      double[] gradient = trainer.gradient(rows, picked, 100, together.parameters());
      trainer.step(together, gradient, 0.1, 0.01, 0.9);
    }
    LinearState alone = LinearState.zero(LAYOUT, true);
    trainer.average(alone, trainer.local(rows, order, 100, alone, 0.1, 0.01, 0.9));
    assertThat(alone.parameters()).isEqualTo(together.parameters());
    assertThat(alone.velocity()).isEqualTo(together.velocity());
    assertThat(alone.running()).isEqualTo(together.running());
    assertThat(LinearState.read(alone.toBytes()).toBytes()).isEqualTo(alone.toBytes());
    assertThat(LinearState.read(alone.toBytes()).parameters()).isEqualTo(alone.parameters());
  }

  @Test
  void whatIsInVainStops() {
    Rows rows = rows(new Random(1));
    LinearTrainer trainer =
        new LinearTrainer(
            Objective.SOFTMAX,
            LAYOUT,
            LinearKernel.best(),
            () -> {
              throw new IllegalStateException("in vain");
            });
    int[] one = {0};
    float[] p = new float[LAYOUT.parameters()];
    assertThatThrownBy(() -> trainer.gradient(rows, one, 1, p)).hasMessage("in vain");
  }
}
