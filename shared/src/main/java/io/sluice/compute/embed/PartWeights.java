package io.sluice.compute.embed;

/** The weights of a part of an encoder, prepared for the forward pass. */
sealed interface PartWeights permits EmbeddingWeights, LayerWeights {}
