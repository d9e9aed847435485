package io.sluice.compute.embed;

/**
 * The dimensions of an encoder.
 *
 * @param layers number of layers
 * @param hidden H, floats that stand for a token between layers
 * @param heads of attention; each has H / heads floats
 * @param intermediate floats between the two matrices of a feed-forward block
 * @param vocabulary number of tokens that there are
 * @param positions longest sequence in tokens
 * @param epsilon added to variances
 */
record EncoderShape(
    int layers,
    int hidden,
    int heads,
    int intermediate,
    int vocabulary,
    int positions,
    float epsilon) {
  /** Most layers, floats and so on: bounds what a request can make a worker allocate. */
  static final int MAX_LAYERS = 256;

  static final int MAX_WIDTH = 1 << 15;

  EncoderShape {
    check("layers", layers, 1, MAX_LAYERS);
    check("hidden", hidden, 1, MAX_WIDTH);
    check("intermediate", intermediate, 1, MAX_WIDTH);
    check("vocabulary", vocabulary, 1, 1 << 24);
    check("positions", positions, 1, 1 << 16);
    check("heads", heads, 1, hidden);
    if (hidden % heads != 0) {
      throw EmbedException.model(
          "an encoder's heads divide its width: " + heads + " do not divide " + hidden);
    }
    if (!(epsilon >= 0 && epsilon < 1)) {
      throw EmbedException.model("an encoder's layer_norm_eps is in [0, 1), got " + epsilon);
    }
  }

  /** Its parts: the embeddings, then the layers. */
  int parts() {
    return layers + 1;
  }

  private static void check(String name, int value, int min, int max) {
    if (value < min || value > max) {
      throw EmbedException.model(
          "an encoder has " + min + " to " + max + " " + name + ", this one " + value);
    }
  }
}
