package io.sluice.compute;

import io.sluice.model.TensorInfo;
import java.lang.foreign.MemorySegment;
import java.util.Objects;

/**
 * Whole rows of a tensor in memory.
 *
 * @param tensor the whole tensor
 * @param firstRow first row of the block
 * @param rows number of rows, may be 0
 * @param data the rows, row-major, little-endian as in safetensors and GGUF; of any alignment
 */
public record TensorBlock(TensorInfo tensor, long firstRow, long rows, MemorySegment data) {
  public TensorBlock {
    Objects.requireNonNull(tensor, "tensor");
    Objects.requireNonNull(data, "data");
    if (firstRow < 0 || rows < 0 || firstRow > tensor.rows() - rows) {
      throw new IllegalArgumentException(
          "tensor '"
              + tensor.name()
              + "' has "
              + tensor.rows()
              + " rows, no block of "
              + rows
              + " from "
              + firstRow);
    }
    long bytes = rows == tensor.rows() ? tensor.bytes() : rows * tensor.rowBytes();
    if (data.byteSize() != bytes) {
      throw new IllegalArgumentException(
          rows
              + " rows of tensor '"
              + tensor.name()
              + "' have "
              + bytes
              + " bytes, got "
              + data.byteSize());
    }
  }

  /** Number of elements. */
  public long elements() {
    return data.byteSize() / tensor.dtype().blockBytes() * tensor.dtype().blockElements();
  }
}
