package io.sluice.compute.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Vectors against plain loops, to the bit, and both against doubles. */
class LinearKernelTest {
  private final LinearKernel vector = LinearKernel.best();
  private final LinearKernel scalar = new ScalarLinearKernel();

  @Test
  void theBestIsTheOneWithVectors() {
    assertThat(Vectors.present()).isTrue();
    assertThat(vector)
        .isInstanceOf(Vectors.available() ? VectorLinearKernel.class : ScalarLinearKernel.class);
    assertThat(LinearKernel.stride(1)).isEqualTo(8);
    assertThat(LinearKernel.stride(64)).isEqualTo(64);
  }

  @ParameterizedTest
  @CsvSource({"1,1,1", "3,5,2", "4,8,1", "7,64,10", "9,65,3", "64,784,10", "33,17,9", "5,300,7"})
  void sameToTheBitAndNearTheTruth(int count, int columns, int outputs) {
    Random random = new Random(31L * count + columns);
    int stride = LinearKernel.stride(columns);
    int all = count + 5;
    float[] x = rows(random, all, columns, stride);
    float[] weights = rows(random, outputs, columns, stride);
    float[] bias = rows(random, 1, outputs, LinearKernel.stride(outputs));
    int[] rows = random.ints(count, 0, all).toArray();
    float[] out = new float[count * outputs];
    float[] plain = new float[count * outputs];
    vector.forward(x, rows, count, stride, weights, bias, outputs, out);
    scalar.forward(x, rows, count, stride, weights, bias, outputs, plain);
    assertThat(out).isEqualTo(plain);
    float[] gradient = rows(random, outputs, columns, stride);
    float[] before = gradient.clone();
    float[] other = gradient.clone();
    vector.backward(x, rows, count, stride, out, outputs, gradient);
    scalar.backward(x, rows, count, stride, out, outputs, other);
    assertThat(gradient).isEqualTo(other);
    for (int j = 0; j < outputs; j++) {
      for (int r = 0; r < count; r++) {
        double dot = bias[j];
        for (int i = 0; i < columns; i++) {
          dot += (double) x[rows[r] * stride + i] * weights[j * stride + i];
        }
        assertThat((double) out[r * outputs + j]).isCloseTo(dot, within(1e-5 * columns));
      }
      for (int i = 0; i < stride; i++) {
        double sum = before[j * stride + i];
        double size = Math.abs(sum);
        for (int r = 0; r < count; r++) {
          double part = (double) out[r * outputs + j] * x[rows[r] * stride + i];
          sum += part;
          size += Math.abs(part);
        }
        assertThat((double) gradient[j * stride + i]).isCloseTo(sum, within(1e-6 * size * count));
      }
    }
  }

  @Test
  void exponentialsAreRightToTwoUlp() {
    Random random = new Random(7);
    float[] values = new float[100_003];
    for (int i = 0; i < values.length; i++) {
      values[i] = i % 3 == 0 ? -random.nextFloat() * 90 : -random.nextFloat();
    }
    values[0] = 0;
    values[1] = -1000;
    values[2] = Float.NEGATIVE_INFINITY;
    values[3] = -87.29f;
    values[4] = -0f;
    float[] fast = values.clone();
    float[] plain = values.clone();
    vector.exp(fast, fast.length);
    scalar.exp(plain, plain.length);
    assertThat(fast).isEqualTo(plain);
    assertThat(Arrays.copyOf(fast, 3)).containsExactly(1, 0, 0);
    assertThat(fast[4]).isEqualTo(1);
    for (int i = 0; i < values.length; i++) {
      double exact = Math.exp(values[i]);
      if (values[i] >= LinearKernel.EXP_MIN) {
        assertThat((double) fast[i])
            .as("e^%s", values[i])
            .isCloseTo(exact, within(2.0 * Math.ulp((float) exact)));
      } else {
        assertThat(fast[i]).isZero();
      }
    }
  }

  private static float[] rows(Random random, int rows, int columns, int stride) {
    float[] array = new float[rows * stride];
    for (int r = 0; r < rows; r++) {
      for (int i = 0; i < columns; i++) {
        array[r * stride + i] = (float) random.nextGaussian();
      }
    }
    return array;
  }
}
