package io.sluice.compute.train;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Where a training is between two rounds: all that the next step depends on.
 *
 * @param layout of the model
 * @param parameters weights, row by row with padding, then the biases
 * @param velocity of the parameters, for momentum; empty without
 * @param running sums over the steps of this epoch so far: of losses, of hits, of rows
 * @param history loss and accuracy of each epoch that is over; the accuracy is NaN in a regression
 */
record LinearState(
    Layout layout, float[] parameters, float[] velocity, double[] running, double[] history) {
  static final int LOSS = 0;
  static final int HITS = 1;
  static final int ROWS = 2;

  /** All zero: a linear model has one minimum, wherever it starts. */
  static LinearState zero(Layout layout, boolean momentum) {
    return new LinearState(
        layout,
        new float[layout.parameters()],
        new float[momentum ? layout.parameters() : 0],
        new double[3],
        new double[0]);
  }

  LinearState copy() {
    return new LinearState(
        layout, parameters.clone(), velocity.clone(), running.clone(), history.clone());
  }

  float[] weights() {
    return Arrays.copyOf(parameters, layout.weights());
  }

  float[] bias() {
    return Arrays.copyOfRange(parameters, layout.weights(), layout.parameters());
  }

  /** Whether all numbers are finite. */
  boolean isFinite() {
    for (float p : parameters) {
      if (!Float.isFinite(p)) {
        return false;
      }
    }
    return Double.isFinite(running[LOSS]);
  }

  /** Epochs that are over. */
  int epochs() {
    return history.length / 2;
  }

  double loss(int epoch) {
    return history[2 * epoch];
  }

  double accuracy(int epoch) {
    return history[2 * epoch + 1];
  }

  /** This with its epoch over: the running sums have become a line of the history. */
  LinearState endEpoch(Objective objective) {
    double[] longer = Arrays.copyOf(history, history.length + 2);
    longer[history.length] =
        running[LOSS] / running[ROWS] / (objective == Objective.LINEAR ? layout.outputs() : 1);
    longer[history.length + 1] =
        objective == Objective.SOFTMAX ? running[HITS] / running[ROWS] : Double.NaN;
    return new LinearState(layout, parameters, velocity, new double[3], longer);
  }

  byte[] toBytes() {
    ByteBuffer out =
        ByteBuffer.allocate(
                16 + 4 * (parameters.length + velocity.length) + 8 * (3 + history.length))
            .order(ByteOrder.LITTLE_ENDIAN);
    out.putInt(layout.features()).putInt(layout.outputs());
    out.putInt(velocity.length).putInt(history.length);
    for (float p : parameters) {
      out.putFloat(p);
    }
    for (float v : velocity) {
      out.putFloat(v);
    }
    for (double r : running) {
      out.putDouble(r);
    }
    for (double h : history) {
      out.putDouble(h);
    }
    return out.array();
  }

  static LinearState read(byte[] bytes) {
    ByteBuffer in = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    Layout layout = new Layout(in.getInt(), in.getInt());
    int velocities = in.getInt();
    int lines = in.getInt();
    if (bytes.length != 16 + 4L * (layout.parameters() + velocities) + 8L * (3 + lines)) {
      throw Broken.partial("the state of a training", bytes.length);
    }
    float[] parameters = new float[layout.parameters()];
    float[] velocity = new float[velocities];
    double[] running = new double[3];
    double[] history = new double[lines];
    for (int i = 0; i < parameters.length; i++) {
      parameters[i] = in.getFloat();
    }
    for (int i = 0; i < velocities; i++) {
      velocity[i] = in.getFloat();
    }
    for (int i = 0; i < 3; i++) {
      running[i] = in.getDouble();
    }
    for (int i = 0; i < lines; i++) {
      history[i] = in.getDouble();
    }
    return new LinearState(layout, parameters, velocity, running, history);
  }
}
