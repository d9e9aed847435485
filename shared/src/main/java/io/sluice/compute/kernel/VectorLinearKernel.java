package io.sluice.compute.kernel;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** Four rows at a time against two rows of weights: eight chains of multiply-adds in flight. */
final class VectorLinearKernel extends LinearKernel {
  private static final int ROWS = 4;

  private VectorLinearKernel() {}

  /** Apart, so that a process without the module need not load the class. */
  static LinearKernel create() {
    return new VectorLinearKernel();
  }

  @Override
  public void forward(
      float[] x,
      int[] rows,
      int count,
      int stride,
      float[] weights,
      float[] bias,
      int outputs,
      float[] out) {
    float[] lanes = new float[2 * ROWS * LANES];
    int r = 0;
    for (; r + ROWS <= count; r += ROWS) {
      int j = 0;
      for (; j + 2 <= outputs; j += 2) {
        dots4x2(x, rows, r, stride, weights, j * stride, lanes);
        for (int i = 0; i < ROWS; i++) {
          out[(r + i) * outputs + j] = sum(lanes, i * LANES) + bias[j];
          out[(r + i) * outputs + j + 1] = sum(lanes, (ROWS + i) * LANES) + bias[j + 1];
        }
      }
      if (j < outputs) {
        dots4(x, rows, r, stride, weights, j * stride, lanes);
        for (int i = 0; i < ROWS; i++) {
          out[(r + i) * outputs + j] = sum(lanes, i * LANES) + bias[j];
        }
      }
    }
    for (; r < count; r++) {
      for (int j = 0; j < outputs; j++) {
        dot(x, rows[r] * stride, stride, weights, j * stride, lanes);
        out[r * outputs + j] = sum(lanes, 0) + bias[j];
      }
    }
  }

  private static void dots4x2(
      float[] x, int[] rows, int r, int stride, float[] weights, int weight, float[] lanes) {
    VectorSpecies<Float> species = Vectors.Floats.SPECIES;
    int row0 = rows[r] * stride;
    int row1 = rows[r + 1] * stride;
    int row2 = rows[r + 2] * stride;
    int row3 = rows[r + 3] * stride;
    FloatVector a0 = FloatVector.zero(species);
    FloatVector a1 = FloatVector.zero(species);
    FloatVector a2 = FloatVector.zero(species);
    FloatVector a3 = FloatVector.zero(species);
    FloatVector b0 = FloatVector.zero(species);
    FloatVector b1 = FloatVector.zero(species);
    FloatVector b2 = FloatVector.zero(species);
    FloatVector b3 = FloatVector.zero(species);
    for (int i = 0; i < stride; i += LANES) {
      FloatVector w = FloatVector.fromArray(species, weights, weight + i);
      FloatVector v = FloatVector.fromArray(species, weights, weight + stride + i);
      FloatVector x0 = FloatVector.fromArray(species, x, row0 + i);
      a0 = x0.fma(w, a0);
      b0 = x0.fma(v, b0);
      FloatVector x1 = FloatVector.fromArray(species, x, row1 + i);
      a1 = x1.fma(w, a1);
      b1 = x1.fma(v, b1);
      FloatVector x2 = FloatVector.fromArray(species, x, row2 + i);
      a2 = x2.fma(w, a2);
      b2 = x2.fma(v, b2);
      FloatVector x3 = FloatVector.fromArray(species, x, row3 + i);
      a3 = x3.fma(w, a3);
      b3 = x3.fma(v, b3);
    }
    a0.intoArray(lanes, 0);
    a1.intoArray(lanes, LANES);
    a2.intoArray(lanes, 2 * LANES);
    a3.intoArray(lanes, 3 * LANES);
    b0.intoArray(lanes, 4 * LANES);
    b1.intoArray(lanes, 5 * LANES);
    b2.intoArray(lanes, 6 * LANES);
    b3.intoArray(lanes, 7 * LANES);
  }

  private static void dots4(
      float[] x, int[] rows, int r, int stride, float[] weights, int weight, float[] lanes) {
    VectorSpecies<Float> species = Vectors.Floats.SPECIES;
    int row0 = rows[r] * stride;
    int row1 = rows[r + 1] * stride;
    int row2 = rows[r + 2] * stride;
    int row3 = rows[r + 3] * stride;
    FloatVector a0 = FloatVector.zero(species);
    FloatVector a1 = FloatVector.zero(species);
    FloatVector a2 = FloatVector.zero(species);
    FloatVector a3 = FloatVector.zero(species);
    for (int i = 0; i < stride; i += LANES) {
      FloatVector w = FloatVector.fromArray(species, weights, weight + i);
      a0 = FloatVector.fromArray(species, x, row0 + i).fma(w, a0);
      a1 = FloatVector.fromArray(species, x, row1 + i).fma(w, a1);
      a2 = FloatVector.fromArray(species, x, row2 + i).fma(w, a2);
      a3 = FloatVector.fromArray(species, x, row3 + i).fma(w, a3);
    }
    a0.intoArray(lanes, 0);
    a1.intoArray(lanes, LANES);
    a2.intoArray(lanes, 2 * LANES);
    a3.intoArray(lanes, 3 * LANES);
  }

  private static void dot(
      float[] x, int row, int stride, float[] weights, int weight, float[] lanes) {
    VectorSpecies<Float> species = Vectors.Floats.SPECIES;
    FloatVector sum = FloatVector.zero(species);
    for (int i = 0; i < stride; i += LANES) {
      FloatVector w = FloatVector.fromArray(species, weights, weight + i);
      sum = FloatVector.fromArray(species, x, row + i).fma(w, sum);
    }
    sum.intoArray(lanes, 0);
  }

  @Override
  public void backward(
      float[] x, int[] rows, int count, int stride, float[] errors, int outputs, float[] gradient) {
    int r = 0;
    for (; r + ROWS <= count; r += ROWS) {
      for (int j = 0; j < outputs; j++) {
        add4(x, rows, r, stride, errors, outputs, j, gradient);
      }
    }
    for (; r < count; r++) {
      for (int j = 0; j < outputs; j++) {
        add(x, rows[r] * stride, stride, errors[r * outputs + j], gradient, j * stride);
      }
    }
  }

  private static void add4(
      float[] x,
      int[] rows,
      int r,
      int stride,
      float[] errors,
      int outputs,
      int j,
      float[] gradient) {
    VectorSpecies<Float> species = Vectors.Floats.SPECIES;
    int row0 = rows[r] * stride;
    int row1 = rows[r + 1] * stride;
    int row2 = rows[r + 2] * stride;
    int row3 = rows[r + 3] * stride;
    int at = r * outputs + j;
    FloatVector e0 = FloatVector.broadcast(species, errors[at]);
    FloatVector e1 = FloatVector.broadcast(species, errors[at + outputs]);
    FloatVector e2 = FloatVector.broadcast(species, errors[at + 2 * outputs]);
    FloatVector e3 = FloatVector.broadcast(species, errors[at + 3 * outputs]);
    for (int i = 0; i < stride; i += LANES) {
      FloatVector g = FloatVector.fromArray(species, gradient, j * stride + i);
      g = e0.fma(FloatVector.fromArray(species, x, row0 + i), g);
      g = e1.fma(FloatVector.fromArray(species, x, row1 + i), g);
      g = e2.fma(FloatVector.fromArray(species, x, row2 + i), g);
      g = e3.fma(FloatVector.fromArray(species, x, row3 + i), g);
      g.intoArray(gradient, j * stride + i);
    }
  }

  private static void add(float[] x, int row, int stride, float error, float[] gradient, int at) {
    VectorSpecies<Float> species = Vectors.Floats.SPECIES;
    FloatVector e = FloatVector.broadcast(species, error);
    for (int i = 0; i < stride; i += LANES) {
      FloatVector g = FloatVector.fromArray(species, gradient, at + i);
      e.fma(FloatVector.fromArray(species, x, row + i), g).intoArray(gradient, at + i);
    }
  }

  @Override
  public void exp(float[] values, int count) {
    VectorSpecies<Float> species = Vectors.Floats.SPECIES;
    FloatVector round = FloatVector.broadcast(species, ROUND);
    IntVector bias = round.reinterpretAsInts().sub(127);
    int i = 0;
    for (; i + LANES <= count; i += LANES) {
      FloatVector x = FloatVector.fromArray(species, values, i);
      VectorMask<Float> tiny = x.compare(VectorOperators.LT, EXP_MIN);
      FloatVector shifted = x.fma(FloatVector.broadcast(species, LOG2_E), round);
      FloatVector n = shifted.sub(round);
      FloatVector r = n.fma(FloatVector.broadcast(species, -LN2_HIGH), x);
      r = n.fma(FloatVector.broadcast(species, -LN2_LOW), r);
      FloatVector p = FloatVector.broadcast(species, EXP[0]);
      for (int c = 1; c < EXP.length; c++) {
        p = p.fma(r, FloatVector.broadcast(species, EXP[c]));
      }
      FloatVector y = p.fma(r.mul(r), r).add(1f);
      IntVector exponent = shifted.reinterpretAsInts().sub(bias);
      FloatVector scale = exponent.lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats();
      y.mul(scale).blend(0f, tiny).intoArray(values, i);
    }
    for (; i < count; i++) {
      values[i] = exp(values[i]);
    }
  }
}
