/**
 * Embeddings of texts by a transformer encoder of the BERT family, executed layer by layer on the
 * workers that hold the layers.
 */
package io.sluice.compute.embed;
