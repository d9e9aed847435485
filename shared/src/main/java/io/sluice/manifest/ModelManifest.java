package io.sluice.manifest;

import io.sluice.model.Digest;
import io.sluice.model.InvalidValueException;
import io.sluice.model.ShardDescriptor;
import io.sluice.model.TensorInfo;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What a version of a model is made of. Immutable; its digest is the version. It holds no name and
 * no time, so equal content gives an equal version.
 *
 * @param plan how the tensors were cut
 * @param files the source files in order of path
 * @param tensors every tensor of every file
 * @param shards the shards, each sᵢ
 * @param totalBytes S, checked to be Σ sᵢ
 */
public record ModelManifest(
    Plan plan,
    List<File> files,
    List<Tensor> tensors,
    List<ShardDescriptor> shards,
    long totalBytes) {

  /**
   * How the tensors were cut into shards.
   *
   * @param strategy {@code size}, {@code count} or {@code layer}
   * @param shardBytes target bytes of a shard
   * @param chunkBytes bytes of a chunk
   */
  public record Plan(String strategy, long shardBytes, int chunkBytes) {
    public Plan {
      Objects.requireNonNull(strategy, "strategy");
    }
  }

  /**
   * A source file: its skeleton with the tensors that name it put back at their offsets.
   *
   * @param path path inside the model
   * @param size bytes
   * @param digest SHA-256 of the whole file
   * @param format name of the {@code FileFormat}
   * @param skeleton the bytes that are no tensor, if there are any
   */
  public record File(
      String path, long size, Digest digest, String format, Optional<ShardDescriptor> skeleton) {
    public File {
      Objects.requireNonNull(path, "path");
      Objects.requireNonNull(digest, "digest");
      Objects.requireNonNull(format, "format");
      Objects.requireNonNull(skeleton, "skeleton");
    }
  }

  /**
   * A tensor: where it lies in its file and in the shards.
   *
   * @param info name (unique in the model), dtype, shape
   * @param file index of its file
   * @param fileOffset where it starts in its file
   * @param layer number of its layer, if known
   * @param pieces where its bytes lie, in order of rows, without holes; empty for a tensor of no
   *     bytes; tensors that share their bytes share their pieces
   */
  public record Tensor(
      TensorInfo info, int file, long fileOffset, OptionalInt layer, List<Piece> pieces) {
    public Tensor {
      Objects.requireNonNull(info, "info");
      Objects.requireNonNull(layer, "layer");
      pieces = List.copyOf(pieces);
      long sum = 0;
      for (Piece piece : pieces) {
        sum += piece.length();
      }
      if (sum != info.bytes()) {
        throw new InvalidValueException(
            "manifest-invalid",
            "the pieces of tensor '"
                + info.name()
                + "' have "
                + sum
                + " bytes, the tensor has "
                + info.bytes());
      }
    }
  }

  /**
   * A block of whole rows of a tensor in one shard.
   *
   * @param shard index of the shard
   * @param offset where the block starts in the shard object, header included
   * @param firstRow first row of the block in the tensor
   * @param rows number of rows
   * @param length bytes
   */
  public record Piece(int shard, long offset, long firstRow, long rows, long length) {
    public Piece {
      if (shard < 0 || offset < 0 || firstRow < 0 || rows < 0 || length < 0) {
        throw new InvalidValueException(
            "manifest-invalid",
            "a piece has no negative number: shard "
                + shard
                + ", offset "
                + offset
                + ", first row "
                + firstRow
                + ", rows "
                + rows
                + ", length "
                + length);
      }
    }
  }

  public ModelManifest {
    Objects.requireNonNull(plan, "plan");
    files = List.copyOf(files);
    tensors = List.copyOf(tensors);
    shards = List.copyOf(shards);
    long sum = 0;
    for (ShardDescriptor shard : shards) {
      sum = Math.addExact(sum, shard.size());
    }
    if (sum != totalBytes) {
      throw new InvalidValueException(
          "manifest-invalid",
          "S is said to be " + totalBytes + " bytes but its shards sum to " + sum);
    }
    for (Tensor tensor : tensors) {
      if (tensor.file() < 0 || tensor.file() >= files.size()) {
        throw new InvalidValueException(
            "manifest-invalid",
            "tensor '"
                + tensor.info().name()
                + "' names file "
                + tensor.file()
                + " of "
                + files.size());
      }
      for (Piece piece : tensor.pieces()) {
        if (piece.shard() >= shards.size()
            || piece.offset() > shards.get(piece.shard()).size() - piece.length()) {
          throw new InvalidValueException(
              "manifest-invalid",
              "a piece of tensor '" + tensor.info().name() + "' lies outside its shard: " + piece);
        }
      }
    }
  }
}
