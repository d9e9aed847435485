package io.sluice.plan;

/**
 * Rows of a tensor in a shard.
 *
 * @param tensor index of the tensor
 * @param firstRow first row
 * @param rows number of rows; a scalar has one
 * @param tensorOffset where the rows start in the tensor, in bytes
 * @param length bytes, at least 1
 * @param dataOffset where the rows start in the data of the shard, in bytes; a multiple of the
 *     dtype's alignment
 */
public record PlannedPiece(
    int tensor, long firstRow, long rows, long tensorOffset, long length, long dataOffset) {}
