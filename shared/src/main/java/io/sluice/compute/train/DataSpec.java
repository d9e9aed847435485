package io.sluice.compute.train;

import io.sluice.compute.ComputeException;
import io.sluice.json.JsonObject;

/**
 * Which tensors of a dataset are read, and how.
 *
 * @param x name of the tensor of features, [rows, …]
 * @param y name of the tensor of labels or targets, [rows] or [rows, outputs]
 * @param xScale what each element of x is multiplied by, such as 1/255 for bytes of images
 */
record DataSpec(String x, String y, float xScale) {
  static DataSpec read(JsonObject json) {
    double scale = Decimals.read(json, "xScale", -1e30, 1e30, 1);
    if ((float) scale == 0) {
      throw ComputeException.invalidArguments("'xScale' is not 0, got " + scale);
    }
    return new DataSpec(
        json.optionalText("x").orElse("x"), json.optionalText("y").orElse("y"), (float) scale);
  }
}
