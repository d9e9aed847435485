package io.sluice.compute;

import io.sluice.model.TensorInfo;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
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

  /**
   * The same rows in parts of about so many bytes, at least one row each, in order; itself if it is
   * no larger.
   */
  public List<TensorBlock> parts(long bytes) {
    long count = Math.min(rows, Math.ceilDiv(data.byteSize(), bytes));
    if (count <= 1) {
      return List.of(this);
    }
    long rowBytes = tensor.rowBytes();
    if (rowBytes * tensor.rows() != tensor.bytes()) {
      return List.of(this); // rows end inside a byte
    }
    long step = Math.ceilDiv(rows, count);
    List<TensorBlock> parts = new ArrayList<>();
    for (long row = 0; row < rows; row += step) {
      long some = Math.min(step, rows - row);
      parts.add(
          new TensorBlock(
              tensor, firstRow + row, some, data.asSlice(row * rowBytes, some * rowBytes)));
    }
    return parts;
  }

  /** Number of elements. */
  public long elements() {
    return data.byteSize() / tensor.dtype().blockBytes() * tensor.dtype().blockElements();
  }
}
