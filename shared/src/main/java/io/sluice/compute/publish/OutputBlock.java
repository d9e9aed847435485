package io.sluice.compute.publish;

import io.sluice.format.ShardHeader;
import io.sluice.model.TensorInfo;
import java.util.Objects;

/**
 * Whole rows of a tensor that is to be stored.
 *
 * @param tensor the whole tensor
 * @param firstRow first row of the block
 * @param rows number of rows, at least one; all of them unless rows are whole bytes
 */
public record OutputBlock(TensorInfo tensor, long firstRow, long rows) {
  public OutputBlock {
    Objects.requireNonNull(tensor, "tensor");
    boolean inside = firstRow >= 0 && rows > 0 && firstRow <= tensor.rows() - rows;
    if (!inside || tensor.bytes() == 0) {
      throw new IllegalArgumentException(
          "tensor '"
              + tensor.name()
              + "' of "
              + tensor.rows()
              + " rows and "
              + tensor.bytes()
              + " bytes has no block of "
              + rows
              + " rows from "
              + firstRow);
    }
    if (rows != tensor.rows() && tensor.bytes() % tensor.rows() != 0) {
      throw new IllegalArgumentException(
          "rows of tensor '" + tensor.name() + "' are no whole bytes: it has one block");
    }
  }

  /** A whole tensor. */
  public static OutputBlock whole(TensorInfo tensor) {
    return new OutputBlock(tensor, 0, tensor.rows());
  }

  /** Whether it is the whole tensor. */
  public boolean isWhole() {
    return rows == tensor.rows();
  }

  /** Bytes of the block. */
  public long bytes() {
    return isWhole() ? tensor.bytes() : rows * tensor.rowBytes();
  }

  ShardHeader.Block header() {
    return new ShardHeader.Block(tensor, firstRow, rows, bytes());
  }
}
