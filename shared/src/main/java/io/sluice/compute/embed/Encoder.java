package io.sluice.compute.embed;

import java.util.Arrays;

/**
 * The forward pass of a BERT encoder (Devlin et al., 2019, arXiv:1810.04805; post-layer-norm), part
 * by part. Sequences of different lengths lie one after the other, without padding: products go
 * over all tokens at once, attention over each sequence.
 *
 * <p>Holds no state; every call has arrays of its own.
 */
final class Encoder {
  private final EncoderShape shape;
  private final EncoderKernels kernels;

  Encoder(EncoderShape shape, EncoderKernels kernels) {
    this.shape = shape;
    this.kernels = kernels;
  }

  /** Part 0: the sum of word, position and type embeddings, normalised: [tokens, H]. */
  float[] embed(EmbeddingWeights weights, int[] ids, int[] lengths) {
    int h = shape.hidden();
    float[] x = new float[ids.length * h];
    float[] places = new float[ids.length * h];
    int token = 0;
    for (int length : lengths) {
      System.arraycopy(weights.positions(), 0, places, token * h, length * h);
      for (int i = 0; i < length; i++, token++) {
        System.arraycopy(weights.words(), ids[token] * h, x, token * h, h);
      }
    }
    kernels.layerNorm(x, places, ids.length, h, weights.scale(), weights.shift(), shape.epsilon());
    return x;
  }

  /**
   * One layer.
   *
   * @param x [tokens, H]; becomes the output
   */
  void layer(LayerWeights weights, float[] x, int[] lengths) {
    int h = shape.hidden();
    int tokens = x.length / h;
    float[] qkv = product(x, h, tokens, weights.attention(), weights.attentionBias());
    float[] context = new float[tokens * h];
    attention(qkv, lengths, context);
    float[] y = product(context, h, tokens, weights.output(), weights.outputBias());
    kernels.layerNorm(x, y, tokens, h, weights.firstScale(), weights.firstShift(), shape.epsilon());
    float[] wide = product(x, h, tokens, weights.up(), weights.upBias());
    kernels.gelu(wide, 0, wide.length);
    y = product(wide, shape.intermediate(), tokens, weights.down(), weights.downBias());
    kernels.layerNorm(
        x, y, tokens, h, weights.secondScale(), weights.secondShift(), shape.epsilon());
  }

  private float[] product(float[] x, int width, int rows, PackedMatrix matrix, float[] bias) {
    int n = matrix.n();
    float[] y = new float[rows * n];
    for (int row = 0; row < rows; row++) {
      System.arraycopy(bias, 0, y, row * n, n);
    }
    kernels.multiplyAdd(x, 0, width, rows, matrix.data(), matrix.k(), n, y, 0, n);
    return y;
  }

  /** softmax(Q Kᵀ) V of each sequence and head; Q is scaled already. */
  private void attention(float[] qkv, int[] lengths, float[] context) {
    int h = shape.hidden();
    int d = h / shape.heads();
    int longest = Arrays.stream(lengths).max().orElse(0);
    int stride = Math.ceilDiv(longest, PackedMatrix.WIDTH) * PackedMatrix.WIDTH;
    float[] scores = new float[longest * stride];
    float[] packed =
        new float[Math.max(PackedMatrix.size(d, longest), PackedMatrix.size(longest, d))];
    int first = 0;
    for (int length : lengths) {
      int columns = Math.ceilDiv(length, PackedMatrix.WIDTH) * PackedMatrix.WIDTH;
      for (int head = 0; head < shape.heads(); head++) {
        int q = first * 3 * h + head * d;
        PackedMatrix.packColumns(qkv, q + h, 3 * h, d, length, packed);
        Arrays.fill(scores, 0, length * columns, 0);
        kernels.multiplyAdd(qkv, q, 3 * h, length, packed, d, columns, scores, 0, columns);
        kernels.softmax(scores, length, length, columns);
        PackedMatrix.packRows(qkv, q + 2 * h, 3 * h, length, d, packed);
        kernels.multiplyAdd(
            scores, 0, columns, length, packed, length, d, context, first * h + head * d, h);
      }
      first += length;
    }
  }

  /**
   * One vector of each sequence: [sequences, H].
   *
   * @param x [tokens, H]
   */
  float[] pool(float[] x, int[] lengths, Pooling pooling, boolean normalize) {
    int h = shape.hidden();
    float[] result = new float[lengths.length * h];
    int token = 0;
    for (int i = 0; i < lengths.length; i++) {
      int used = pooling == Pooling.CLS ? 1 : lengths[i];
      double[] sums = new double[h];
      for (int t = 0; t < used; t++) {
        for (int j = 0; j < h; j++) {
          sums[j] += x[(token + t) * h + j];
        }
      }
      double scale = 1.0 / used;
      if (normalize) {
        double squares = 0;
        for (double sum : sums) {
          squares += sum * scale * sum * scale;
        }
        scale /= Math.max(Math.sqrt(squares), 1e-12);
      }
      for (int j = 0; j < h; j++) {
        result[i * h + j] = (float) (sums[j] * scale);
      }
      token += lengths[i];
    }
    return result;
  }
}
