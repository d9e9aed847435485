package io.sluice.compute.embed;

/**
 * The weights of the embeddings.
 *
 * @param words [vocabulary, H]
 * @param positions [positions, H], to which the row of token type 0 is added
 * @param scale of the layer norm
 * @param shift of the layer norm
 */
record EmbeddingWeights(float[] words, float[] positions, float[] scale, float[] shift)
    implements PartWeights {}
