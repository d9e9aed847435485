package io.sluice.compute.product;

import io.sluice.compute.ComputeException;
import io.sluice.compute.StoredTensors;
import io.sluice.compute.kernel.FloatReader;
import io.sluice.job.JobContext;
import io.sluice.model.Digest;
import io.sluice.model.ModelRef;
import io.sluice.model.SluiceException;
import io.sluice.model.TensorInfo;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.LongConsumer;

/** Reads {@link InputRows} as floats, part by part, wherever they lie. */
final class RowReader {
  private final StoredTensors tensors;
  private final InputRows input;
  private final Optional<StoredTensors.Located> located;
  private final long rows;
  private final int columns;

  private RowReader(
      StoredTensors tensors,
      InputRows input,
      Optional<StoredTensors.Located> located,
      long rows,
      int columns) {
    this.tensors = tensors;
    this.input = input;
    this.located = located;
    this.rows = rows;
    this.columns = columns;
  }

  /**
   * Opens the rows of an argument.
   *
   * @param what the argument, for messages
   * @param version of the model of a reference; its tag is resolved now if absent
   * @param columns that the rows must have
   * @throws ComputeException if they have others
   */
  static RowReader open(
      String what, InputRows input, Optional<Digest> version, int columns, StoredTensors tensors) {
    return switch (input) {
      case InputRows.Inline inline -> {
        requireColumns(what, inline.columns(), columns);
        yield new RowReader(tensors, input, Optional.empty(), inline.rows(), columns);
      }
      case InputRows.Stored(var ref) -> {
        StoredTensors.Located located =
            version.isPresent()
                ? tensors.locate(ref.model().name(), version.get(), ref.tensor())
                : tensors.locate(ref);
        TensorInfo info = located.info();
        List<Long> shape = info.shape();
        if (!FloatReader.supports(info.dtype())) {
          throw ComputeException.refused(
              "'"
                  + what
                  + "' is F32, F16 or BF16, tensor '"
                  + info.name()
                  + "' is "
                  + info.dtype());
        }
        if (shape.isEmpty() || shape.size() > 2 || info.elements() == 0) {
          throw ComputeException.refused(
              "'"
                  + what
                  + "' has one or two dimensions, none of them 0, tensor '"
                  + info.name()
                  + "' has shape "
                  + shape);
        }
        requireColumns(what, shape.getLast(), columns);
        long rows = shape.size() == 1 ? 1 : shape.getFirst();
        yield new RowReader(tensors, input, Optional.of(located), rows, columns);
      }
    };
  }

  private static void requireColumns(String what, long got, int wanted) {
    if (got != wanted) {
      throw ComputeException.invalidArguments(
          "rows of '"
              + what
              + "' have "
              + wanted
              + " elements like those of the matrix, got "
              + got);
    }
  }

  /** The reference with its version, if it is one. */
  Optional<ModelRef> version() {
    return located.map(l -> ModelRef.parse(l.model()).at(l.version()));
  }

  /** Number of rows. */
  long rows() {
    return rows;
  }

  /** Whether it is one row without a dimension for rows. */
  boolean vector() {
    return switch (input) {
      case InputRows.Inline inline -> inline.vector();
      case InputRows.Stored stored -> located.orElseThrow().info().shape().size() == 1;
    };
  }

  /**
   * Rows that the tasks of a job have in common on this worker; nobody may change them.
   *
   * @param count at most as many as fit an array; the same for the same {@code first} in all tasks
   */
  float[] read(long first, int count, SharedInputs shared, JobContext context)
      throws InterruptedException {
    if (input instanceof InputRows.Inline inline && count == inline.rows()) {
      return inline.data();
    }
    if (located.isEmpty()) {
      return read(first, count, context::addBytes);
    }
    try {
      return shared.rows(
          context.job().id(),
          first,
          Math.multiplyExact(count, columns),
          () -> read(first, count, context::addBytes));
    } catch (SluiceException e) {
      throw ComputeException.busy(e);
    }
  }

  private float[] read(long first, int count, LongConsumer progress) throws InterruptedException {
    if (input instanceof InputRows.Inline inline) {
      int from = Math.toIntExact(first * columns);
      return Arrays.copyOfRange(inline.data(), from, from + count * columns);
    }
    // A vector is read as a column of as many rows as it has elements.
    long from = vector() ? 0 : first;
    long stored = vector() ? columns : count;
    return StoredFloats.read(tensors, located.orElseThrow(), from, stored, progress);
  }
}
