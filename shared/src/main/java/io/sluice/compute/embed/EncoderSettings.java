package io.sluice.compute.embed;

/**
 * What the tensors of an encoder do not say about it.
 *
 * @param heads of attention
 * @param epsilon added to variances in layer norms
 * @param pooling how the vectors of the tokens become one
 * @param normalize whether that one gets length 1
 */
record EncoderSettings(int heads, float epsilon, Pooling pooling, boolean normalize) {
  EncoderSettings {
    if (heads < 1 || heads > EncoderShape.MAX_WIDTH) {
      throw EmbedException.arguments(
          "an encoder has 1 to " + EncoderShape.MAX_WIDTH + " heads, got " + heads);
    }
    if (!(epsilon >= 0 && epsilon < 1)) {
      throw EmbedException.arguments("the epsilon of an encoder is in [0, 1), got " + epsilon);
    }
  }
}
