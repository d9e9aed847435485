package io.sluice.compute;

import io.sluice.manifest.ManifestRepository;
import io.sluice.manifest.ModelManifest;
import io.sluice.model.ByteRange;
import io.sluice.model.Digest;
import io.sluice.model.InvalidValueException;
import io.sluice.model.ShardDescriptor;
import io.sluice.model.TensorInfo;
import io.sluice.placement.ChunkRuns;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.function.LongConsumer;

/**
 * Reads rows of tensors that lie in the store, or in the memory of this worker, into memory of the
 * caller. What it needs besides is the chunks that the rows of one shard touch, one shard after the
 * other.
 */
public final class StoredTensors {
  private final ManifestRepository manifests;
  private final ShardAccess shards;

  public StoredTensors(ManifestRepository manifests, ShardAccess shards) {
    this.manifests = manifests;
    this.shards = shards;
  }

  /**
   * A tensor of a version, which does not change any more.
   *
   * @param model name of the model
   * @param version its version
   * @param tensor dtype, shape and pieces
   * @param shards of the version
   */
  public record Located(
      String model, Digest version, ModelManifest.Tensor tensor, List<ShardDescriptor> shards) {
    /** Name, dtype and shape. */
    public TensorInfo info() {
      return tensor.info();
    }
  }

  /**
   * Finds a tensor; a tag is resolved now.
   *
   * @throws io.sluice.manifest.ManifestException MISSING if there is no such model or version
   * @throws InvalidValueException {@code tensors-unknown} if it has no such tensor
   */
  public Located locate(TensorRef ref) {
    return locate(ref.model().name(), manifests.resolve(ref.model()).version(), ref.tensor());
  }

  /** Finds a tensor of a version. */
  public Located locate(String model, Digest version, String tensor) {
    ModelManifest manifest = manifests.load(model, version);
    for (ModelManifest.Tensor candidate : manifest.tensors()) {
      if (candidate.info().name().equals(tensor)) {
        return new Located(model, version, candidate, manifest.shards());
      }
    }
    throw new InvalidValueException(
        "tensors-unknown",
        "none of the "
            + manifest.tensors().size()
            + " tensors of '"
            + model
            + "' is called '"
            + tensor
            + "'");
  }

  /**
   * Reads whole rows.
   *
   * @param target receives them row-major and little-endian; as long as they are
   * @param progress told the bytes that became available
   */
  public void read(
      Located located, long firstRow, long rows, MemorySegment target, LongConsumer progress)
      throws InterruptedException {
    TensorInfo info = located.info();
    long rowBytes = info.rowBytes();
    if (firstRow < 0 || rows < 0 || firstRow > info.rows() - rows) {
      throw new IllegalArgumentException(
          "tensor '"
              + info.name()
              + "' has "
              + info.rows()
              + " rows, no "
              + rows
              + " from "
              + firstRow);
    }
    long bytes = rows == info.rows() ? info.bytes() : rows * rowBytes;
    if (target.byteSize() != bytes) {
      throw new IllegalArgumentException(
          rows
              + " rows of '"
              + info.name()
              + "' have "
              + bytes
              + " bytes, got "
              + target.byteSize());
    }
    for (ModelManifest.Piece piece : located.tensor().pieces()) {
      long from = Math.max(firstRow, piece.firstRow());
      long to = Math.min(firstRow + rows, piece.firstRow() + piece.rows());
      if (from >= to) {
        continue;
      }
      boolean whole = from == piece.firstRow() && to == piece.firstRow() + piece.rows();
      ByteRange range =
          whole
              ? new ByteRange(piece.offset(), piece.length())
              : new ByteRange(
                  piece.offset() + (from - piece.firstRow()) * rowBytes, (to - from) * rowBytes);
      ShardDescriptor shard = located.shards().get(piece.shard());
      try (ShardAccess.Open open =
          shards.open(shard, ChunkRuns.cover(shard.checksums(), List.of(range)), progress)) {
        target.asSlice((from - firstRow) * rowBytes, range.length()).copyFrom(open.bytes(range));
      }
    }
  }
}
