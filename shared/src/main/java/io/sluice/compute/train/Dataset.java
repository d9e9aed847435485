package io.sluice.compute.train;

import io.sluice.compute.ComputeException;
import io.sluice.compute.StoredTensors;
import io.sluice.compute.kernel.LinearKernel;
import io.sluice.model.Digest;
import io.sluice.model.SluiceException;
import io.sluice.model.TensorInfo;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import java.util.function.LongConsumer;

/** The tensors of a dataset, and rows of both that belong together, whatever shards they lie in. */
final class Dataset {
  private final StoredTensors tensors;
  private final DataSpec spec;
  private final StoredTensors.Located x;
  private final Optional<StoredTensors.Located> y;

  private Dataset(
      StoredTensors tensors,
      DataSpec spec,
      StoredTensors.Located x,
      Optional<StoredTensors.Located> y) {
    this.tensors = tensors;
    this.spec = spec;
    this.x = x;
    this.y = y;
  }

  /**
   * Finds the tensors and checks that they fit each other.
   *
   * @param labelled whether y must be there
   */
  static Dataset open(
      StoredTensors tensors,
      String model,
      Digest version,
      DataSpec spec,
      Objective objective,
      boolean labelled) {
    StoredTensors.Located x = tensors.locate(model, version, spec.x());
    Optional<StoredTensors.Located> y =
        labelled ? Optional.of(tensors.locate(model, version, spec.y())) : Optional.empty();
    checkX(x.info());
    y.ifPresent(found -> checkY(x.info(), found.info(), objective));
    return new Dataset(tensors, spec, x, y);
  }

  private static void checkX(TensorInfo x) {
    if (!Elements.NUMBERS.contains(x.dtype())) {
      throw refused(x, "are of dtype " + x.dtype() + ", not of one of " + Elements.NUMBERS);
    }
    if (x.shape().size() < 2 || x.elements() == 0) {
      throw refused(x, "have the shape [rows, features], got " + x.shape());
    }
  }

  private static void checkY(TensorInfo x, TensorInfo y, Objective objective) {
    if (y.shape().isEmpty() || y.rows() != x.rows()) {
      throw ComputeException.refused(
          "'"
              + x.name()
              + "' has "
              + x.rows()
              + " rows, '"
              + y.name()
              + "' has the shape "
              + y.shape());
    }
    if (objective == Objective.SOFTMAX) {
      if (!Elements.LABELS.contains(y.dtype())) {
        throw ComputeException.refused(
            "the labels in '" + y.name() + "' are whole numbers, got dtype " + y.dtype());
      }
      if (y.elements() != y.rows()) {
        throw ComputeException.refused(
            "'" + y.name() + "' has one label a row, got the shape " + y.shape());
      }
    } else if (!Elements.NUMBERS.contains(y.dtype())) {
      throw ComputeException.refused(
          "the targets in '"
              + y.name()
              + "' are of one of "
              + Elements.NUMBERS
              + ", got dtype "
              + y.dtype());
    }
  }

  private static ComputeException refused(TensorInfo x, String why) {
    return ComputeException.refused("the features in '" + x.name() + "' " + why);
  }

  long rows() {
    return x.info().rows();
  }

  /** Elements of a row of x. */
  int features() {
    long features = x.info().elements() / rows();
    if (features > Layout.MAX_FEATURES) {
      throw refused(x.info(), "are at most " + Layout.MAX_FEATURES + ", got " + features);
    }
    return (int) features;
  }

  /** Elements of a row of y; 0 without. */
  int targets() {
    long targets = y.map(t -> t.info().elements() / rows()).orElse(0L);
    if (targets > Layout.MAX_OUTPUTS) {
      throw ComputeException.refused(
          "a row has at most " + Layout.MAX_OUTPUTS + " targets, got " + targets);
    }
    return (int) targets;
  }

  /** Bytes of rows as they are stored. */
  long bytes(long rows) {
    return rows * (x.info().rowBytes() + y.map(t -> t.info().rowBytes()).orElse(0L));
  }

  /** Bytes of memory that reading rows takes, at the most. */
  long memory(int rows) {
    return bytes(rows) + 4L * rows * (LinearKernel.stride(features()) + targets() + 2L);
  }

  /**
   * Reads rows.
   *
   * @throws ComputeException if an element is not finite or a label negative
   */
  Rows read(long first, int count, Objective objective, LongConsumer progress)
      throws InterruptedException {
    int features = features();
    float[] values;
    int[] labels = new int[0];
    float[] targets = new float[0];
    try {
      MemorySegment raw = raw(x, first, count, progress);
      values =
          Elements.floats(
              x.info().dtype(), raw, count, features, LinearKernel.stride(features), spec.xScale());
      if (y.isPresent()) {
        raw = raw(y.get(), first, count, progress);
        if (objective == Objective.SOFTMAX) {
          labels = labels(first, Elements.labels(y.get().info().dtype(), raw, count));
        } else {
          targets = Elements.floats(y.get().info().dtype(), raw, count, targets(), targets(), 1);
          checkFinite(y.get().info(), targets, first, count, targets());
        }
      }
    } catch (SluiceException e) {
      throw ComputeException.busy(e);
    }
    checkFinite(x.info(), values, first, count, LinearKernel.stride(features));
    return new Rows(count, features, values, labels, targets);
  }

  private MemorySegment raw(
      StoredTensors.Located tensor, long first, int count, LongConsumer progress)
      throws InterruptedException {
    long bytes = count * tensor.info().rowBytes();
    MemorySegment raw = MemorySegment.ofArray(new byte[Math.toIntExact(bytes)]);
    tensors.read(tensor, first, count, raw, progress);
    return raw;
  }

  private int[] labels(long first, long[] values) {
    int[] labels = new int[values.length];
    for (int i = 0; i < values.length; i++) {
      if (values[i] < 0 || values[i] >= Layout.MAX_OUTPUTS) {
        throw ComputeException.refused(
            "a label is 0 to "
                + (Layout.MAX_OUTPUTS - 1)
                + ", row "
                + (first + i)
                + " of '"
                + spec.y()
                + "' has "
                + values[i]);
      }
      labels[i] = (int) values[i];
    }
    return labels;
  }

  private static void checkFinite(
      TensorInfo tensor, float[] values, long first, int rows, int stride) {
    for (int i = 0; i < values.length; i++) {
      // x - x is 0 for all finite x
      if (values[i] - values[i] != 0) {
        throw ComputeException.refused(
            "row "
                + (first + i / stride)
                + " of '"
                + tensor.name()
                + "' has an element that is "
                + values[i]
                + " as a float");
      }
    }
  }
}
