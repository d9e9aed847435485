package io.sluice.compute.product;

import io.sluice.compute.ComputeException;
import io.sluice.compute.ComputeSpec;
import io.sluice.compute.ShardAccess;
import io.sluice.compute.StoredTensors;
import io.sluice.compute.kernel.FloatReader;
import io.sluice.compute.kernel.Weights;
import io.sluice.manifest.ModelManifest;
import io.sluice.model.ByteRange;
import io.sluice.model.DType;
import io.sluice.model.Digest;
import io.sluice.model.TensorInfo;
import io.sluice.placement.ShardSelection;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongConsumer;

/**
 * A matrix of a model, split over shards by rows: where its pieces lie, and how its elements are
 * read.
 *
 * @param manifest of its version
 * @param tensor the matrix
 * @param scales the factor of each row, if elements are quantized
 */
record Matrix(
    ModelManifest manifest, StoredTensors.Located tensor, Optional<StoredTensors.Located> scales) {

  /**
   * Finds a matrix.
   *
   * @param what the argument, for messages
   * @throws ComputeException if it is no matrix, or one of elements that are not read
   */
  static Matrix locate(
      String what,
      ComputeSpec spec,
      Digest version,
      String name,
      Optional<String> scales,
      MatrixSource source) {
    String model = spec.model().name();
    StoredTensors.Located tensor = source.tensors().locate(model, version, name);
    TensorInfo info = tensor.info();
    if (info.shape().size() != 2 || info.elements() == 0) {
      throw ComputeException.refused(
          "'"
              + what
              + "' has two dimensions, none of them 0, tensor '"
              + name
              + "' has shape "
              + info.shape());
    }
    if (info.dtype() != DType.I8 && !Weights.supports(info.dtype())) {
      throw ComputeException.refused(
          "'" + what + "' is F32, F16, BF16, Q8_0 or I8, tensor '" + name + "' is " + info.dtype());
    }
    if (info.shape().get(1) > Integer.MAX_VALUE / 4) {
      throw ComputeException.refused(
          "rows of '"
              + what
              + "' have at most "
              + Integer.MAX_VALUE / 4
              + " elements, those of tensor '"
              + name
              + "' have "
              + info.shape().get(1));
    }
    Optional<StoredTensors.Located> factors =
        scales.map(s -> perRow("scales", source.tensors().locate(model, version, s), info.rows()));
    if (factors.isPresent() && info.dtype() != DType.I8) {
      throw ComputeException.invalidArguments(
          "'scales' are for a matrix of I8, tensor '" + name + "' is " + info.dtype());
    }
    return new Matrix(source.manifests().load(model, version), tensor, factors);
  }

  /** Requires a tensor of one float a row of the matrix. */
  static StoredTensors.Located perRow(String what, StoredTensors.Located tensor, long rows) {
    TensorInfo info = tensor.info();
    boolean floats = FloatReader.supports(info.dtype());
    // [out] or [out, 1]
    boolean shaped =
        !info.shape().isEmpty() && info.shape().getFirst() == rows && info.elements() == rows;
    if (!floats || !shaped) {
      throw ComputeException.refused(
          "'"
              + what
              + "' is F32, F16 or BF16 of shape ["
              + rows
              + "], tensor '"
              + info.name()
              + "' is "
              + info.dtype()
              + " of shape "
              + info.shape());
    }
    return tensor;
  }

  /** Rows as stored. */
  long rows() {
    return tensor.info().rows();
  }

  /** Elements of a row as stored. */
  int columns() {
    return Math.toIntExact(tensor.info().shape().get(1));
  }

  /** Where the rows lie. */
  List<ModelManifest.Piece> pieces() {
    return tensor.tensor().pieces();
  }

  /** The chunks of each shard that hold rows. */
  Map<Integer, List<ByteRange>> runs() {
    return ShardSelection.runs(
        manifest, (ModelManifest.Tensor t) -> t.info().name().equals(tensor.info().name()));
  }

  /** The rows of a piece, in memory. */
  Weights weights(
      ModelManifest.Piece piece,
      ShardAccess.Open shard,
      StoredTensors tensors,
      LongConsumer progress)
      throws InterruptedException {
    int count = Math.toIntExact(piece.rows());
    MemorySegment data = shard.bytes(new ByteRange(piece.offset(), piece.length()));
    if (tensor.info().dtype() != DType.I8) {
      return Weights.of(data, tensor.info().dtype(), count, columns());
    }
    float[] factors;
    if (scales.isPresent()) {
      factors = StoredFloats.read(tensors, scales.get(), piece.firstRow(), count, progress);
    } else {
      factors = new float[count];
      Arrays.fill(factors, 1);
    }
    return Weights.scaled(data, factors, 0, count, columns());
  }
}
