package io.sluice.compute.embed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Each kernel against a naive twin in double precision. */
class EncoderKernelsTest {
  static Stream<EncoderKernels> kernels() {
    Stream<EncoderKernels> always = Stream.of(new ScalarKernels(), new VectorKernels(false));
    return WideProduct.available()
        ? Stream.concat(always, Stream.of(new VectorKernels(true)))
        : always;
  }

  private static float[] random(Random random, int length) {
    float[] values = new float[length];
    for (int i = 0; i < length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void productIsThatOfSchoolAndNothingElseIsTouched(EncoderKernels kernels) {
    Random random = new Random(1);
    for (int m : new int[] {1, 2, 5, 6, 13, 200}) {
      for (int n : new int[] {1, 15, 16, 31, 32, 33, 70}) {
        for (int k : new int[] {1, 7, 64, 700}) {
          product(kernels, random, m, n, k);
        }
      }
    }
  }

  private static void product(EncoderKernels kernels, Random random, int m, int n, int k) {
    int aStride = k + 3;
    int cStride = n + 5;
    float[] a = random(random, 2 + m * aStride);
    float[] b = random(random, k * n);
    float[] c = random(random, 4 + m * cStride);
    float[] before = c.clone();
    PackedMatrix packed = PackedMatrix.ofRows(b, 0, n, k, n);
    kernels.multiplyAdd(a, 2, aStride, m, packed.data(), k, n, c, 4, cStride);
    for (int at = 0; at < c.length; at++) {
      int row = (at - 4) / cStride;
      int column = (at - 4) % cStride;
      double expected = before[at];
      if (at >= 4 && column < n) {
        for (int i = 0; i < k; i++) {
          expected += (double) a[2 + row * aStride + i] * b[i * n + column];
        }
        assertThat((double) c[at]).isCloseTo(expected, within(2e-6 * k + 1e-6));
      } else {
        assertThat(c[at]).isEqualTo(before[at]);
      }
    }
  }

  @Test
  void rowsHaveTheSameBitsAloneAndInABatchAndWithWiderVectors() {
    Random random = new Random(2);
    int m = 29;
    int n = 96;
    int k = 1030;
    float[] a = random(random, m * k);
    PackedMatrix b = PackedMatrix.ofColumns(random(random, n * k), 0, k, k, n);
    float[] all = new float[m * n];
    new VectorKernels(false).multiplyAdd(a, 0, k, m, b.data(), k, n, all, 0, n);
    for (int row = 0; row < m; row++) {
      float[] one = new float[n];
      new VectorKernels(false).multiplyAdd(a, row * k, k, 1, b.data(), k, n, one, 0, n);
      assertThat(one).isEqualTo(java.util.Arrays.copyOfRange(all, row * n, (row + 1) * n));
    }
    Assumptions.assumeTrue(WideProduct.available(), "the processor has no vectors of 512 bits");
    float[] wide = new float[m * n];
    new VectorKernels(true).multiplyAdd(a, 0, k, m, b.data(), k, n, wide, 0, n);
    assertThat(wide).isEqualTo(all);
  }

  @Test
  void bothWaysToPackAreTheSame() {
    float[] rows = random(new Random(3), 40 * 21);
    float[] columns = new float[rows.length];
    for (int i = 0; i < 40; i++) {
      for (int j = 0; j < 21; j++) {
        columns[j * 40 + i] = rows[i * 21 + j];
      }
    }
    assertThat(PackedMatrix.ofRows(rows, 0, 21, 40, 21).data())
        .isEqualTo(PackedMatrix.ofColumns(columns, 0, 40, 40, 21).data());
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void geluIsByErf(EncoderKernels kernels) {
    float[] x = new float[40_003];
    for (int i = 0; i < x.length; i++) {
      x[i] = (i - 20_000) / 1500f;
    }
    float[] y = x.clone();
    kernels.gelu(y, 1, x.length - 1);
    assertThat(y[0]).isEqualTo(x[0]);
    for (int i = 1; i < x.length; i++) {
      double expected = 0.5 * x[i] * (1 + erf(x[i] / Math.sqrt(2)));
      assertThat((double) y[i]).as("gelu(%s)", x[i]).isCloseTo(expected, within(1.5e-6));
    }
  }

  /** By its Taylor series, or by the continued fraction of erfc (Abramowitz and Stegun, 7.1). */
  private static double erf(double x) {
    double a = Math.abs(x);
    if (a > 2.5) {
      double fraction = 0;
      for (int i = 200; i > 0; i--) {
        fraction = i / 2.0 / (a + fraction);
      }
      return Math.copySign(1 - Math.exp(-a * a) / Math.sqrt(Math.PI) / (a + fraction), x);
    }
    double sum = 0;
    double term = x;
    for (int n = 0; n < 100; n++) {
      sum += term / (2 * n + 1);
      term *= -x * x / (n + 1);
    }
    return 2 / Math.sqrt(Math.PI) * sum;
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void softmaxSumsUpToOne(EncoderKernels kernels) {
    Random random = new Random(4);
    for (int columns : List.of(1, 3, 8, 17, 128)) {
      int stride = columns + 4;
      float[] x = random(random, 5 * stride);
      for (int i = 0; i < x.length; i++) {
        x[i] *= 30;
      }
      float[] y = x.clone();
      kernels.softmax(y, 5, columns, stride);
      for (int row = 0; row < 5; row++) {
        double max = Double.NEGATIVE_INFINITY;
        double sum = 0;
        for (int i = 0; i < columns; i++) {
          max = Math.max(max, x[row * stride + i]);
        }
        for (int i = 0; i < columns; i++) {
          sum += Math.exp(x[row * stride + i] - max);
        }
        for (int i = 0; i < columns; i++) {
          double expected = Math.exp(x[row * stride + i] - max) / sum;
          assertThat((double) y[row * stride + i]).isCloseTo(expected, within(2e-6));
        }
        for (int i = columns; i < stride; i++) {
          assertThat(y[row * stride + i]).isEqualTo(x[row * stride + i]);
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void layerNormHasTheMeanAndVarianceThatItShould(EncoderKernels kernels) {
    Random random = new Random(5);
    for (int columns : List.of(3, 8, 20, 384)) {
      float[] x = random(random, 4 * columns);
      float[] y = random(random, 4 * columns);
      float[] scale = random(random, columns);
      float[] shift = random(random, columns);
      for (float[] second : new float[][] {y, null}) {
        float[] z = x.clone();
        kernels.layerNorm(z, second, 4, columns, scale, shift, 1e-5f);
        for (int at = 0; at < z.length; at++) {
          int row = at / columns;
          double mean = 0;
          for (int i = row * columns; i < (row + 1) * columns; i++) {
            mean += (x[i] + (second == null ? 0 : (double) y[i])) / columns;
          }
          double variance = 0;
          for (int i = row * columns; i < (row + 1) * columns; i++) {
            double d = x[i] + (second == null ? 0 : (double) y[i]) - mean;
            variance += d * d / columns;
          }
          double value = x[at] + (second == null ? 0 : (double) y[at]) - mean;
          double expected =
              value / Math.sqrt(variance + 1e-5) * scale[at % columns] + shift[at % columns];
          assertThat((double) z[at]).isCloseTo(expected, within(2e-5));
        }
      }
    }
  }
}
