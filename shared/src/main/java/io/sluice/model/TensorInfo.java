package io.sluice.model;

import java.util.List;
import java.util.Objects;

/**
 * Name, element type and shape of a tensor, row-major.
 *
 * @param name not empty, at most {@value #MAX_NAME} characters
 * @param dtype element type
 * @param shape dimensions, outermost first; empty for a scalar; at most {@value #MAX_RANK}
 */
public record TensorInfo(String name, DType dtype, List<Long> shape) {
  /** Longest tensor name in characters. */
  public static final int MAX_NAME = 4096;

  /** Largest number of dimensions. */
  public static final int MAX_RANK = 32;

  public TensorInfo {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(dtype, "dtype");
    shape = List.copyOf(shape);
    if (name.isEmpty() || name.length() > MAX_NAME) {
      throw new InvalidValueException(
          "tensor-name-invalid",
          "a tensor name has 1 to " + MAX_NAME + " characters, got " + name.length());
    }
    if (shape.size() > MAX_RANK) {
      throw new InvalidValueException(
          "tensor-shape-invalid",
          "tensor '" + name + "' has " + shape.size() + " dimensions, at most " + MAX_RANK);
    }
    dtype.bytes(elements(name, shape));
  }

  /** Number of elements: the product of the shape, 1 for a scalar. */
  public long elements() {
    return elements(name, shape);
  }

  /** Number of bytes. */
  public long bytes() {
    return dtype.bytes(elements());
  }

  /** Number of rows: the outermost dimension, 1 for a scalar. */
  public long rows() {
    return shape.isEmpty() ? 1 : shape.getFirst();
  }

  /** Bytes of one row; 0 if there is no row. */
  public long rowBytes() {
    return rows() == 0 ? 0 : bytes() / rows();
  }

  private static long elements(String name, List<Long> shape) {
    long product = 1;
    boolean empty = false;
    try {
      for (long dim : shape) {
        if (dim < 0) {
          throw new InvalidValueException(
              "tensor-shape-invalid", "tensor '" + name + "' has a negative dimension " + dim);
        }
        empty |= dim == 0;
        product = Math.multiplyExact(product, Math.max(dim, 1));
      }
    } catch (ArithmeticException e) {
      throw new InvalidValueException(
          "tensor-shape-invalid",
          "tensor '" + name + "' of shape " + shape + " exceeds 2^63 - 1 elements");
    }
    return empty ? 0 : product;
  }
}
