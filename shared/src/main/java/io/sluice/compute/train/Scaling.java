package io.sluice.compute.train;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * How features are standardised: {@code (x - mean) / scale}, in floats.
 *
 * @param mean of each feature
 * @param scale of each feature, positive; both arrays are empty if features stay as they are
 */
record Scaling(float[] mean, float[] scale) {
  static final Scaling NONE = new Scaling(new float[0], new float[0]);

  boolean isNone() {
    return mean.length == 0;
  }

  /** Standardises rows in place. */
  void apply(float[] x, int rows, int stride) {
    for (int r = 0; r < rows; r++) {
      int at = r * stride;
      for (int c = 0; c < mean.length; c++) {
        x[at + c] = (x[at + c] - mean[c]) / scale[c];
      }
    }
  }

  byte[] toBytes() {
    ByteBuffer out = ByteBuffer.allocate(8 * mean.length).order(ByteOrder.LITTLE_ENDIAN);
    out.asFloatBuffer().put(mean).put(scale);
    return out.array();
  }

  static Scaling read(byte[] bytes) {
    if (bytes.length % 8 != 0) {
      throw Broken.partial("a scaling", bytes.length);
    }
    float[] mean = new float[bytes.length / 8];
    float[] scale = new float[mean.length];
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(mean).get(scale);
    return new Scaling(mean, scale);
  }
}
