package io.sluice.compute.embed;

/**
 * The weights of one layer, prepared: query, key and value are one matrix, of which the columns of
 * the queries are scaled by 1/√d, so that scores need no scaling.
 */
record LayerWeights(
    PackedMatrix attention,
    float[] attentionBias,
    PackedMatrix output,
    float[] outputBias,
    float[] firstScale,
    float[] firstShift,
    PackedMatrix up,
    float[] upBias,
    PackedMatrix down,
    float[] downBias,
    float[] secondScale,
    float[] secondShift)
    implements PartWeights {}
