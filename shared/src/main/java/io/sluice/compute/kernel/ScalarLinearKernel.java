package io.sluice.compute.kernel;

/** The plain loops: for processes without the vector module. */
final class ScalarLinearKernel extends LinearKernel {
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
    float[] lanes = new float[LANES];
    for (int r = 0; r < count; r++) {
      int row = rows[r] * stride;
      for (int j = 0; j < outputs; j++) {
        int weight = j * stride;
        for (int lane = 0; lane < LANES; lane++) {
          float sum = 0;
          for (int i = lane; i < stride; i += LANES) {
            sum = Math.fma(x[row + i], weights[weight + i], sum);
          }
          lanes[lane] = sum;
        }
        out[r * outputs + j] = sum(lanes, 0) + bias[j];
      }
    }
  }

  @Override
  public void backward(
      float[] x, int[] rows, int count, int stride, float[] errors, int outputs, float[] gradient) {
    for (int r = 0; r < count; r++) {
      int row = rows[r] * stride;
      for (int j = 0; j < outputs; j++) {
        float error = errors[r * outputs + j];
        for (int i = 0; i < stride; i++) {
          gradient[j * stride + i] = Math.fma(error, x[row + i], gradient[j * stride + i]);
        }
      }
    }
  }

  @Override
  public void exp(float[] values, int count) {
    for (int i = 0; i < count; i++) {
      values[i] = exp(values[i]);
    }
  }
}
