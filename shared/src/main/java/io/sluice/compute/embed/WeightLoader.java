package io.sluice.compute.embed;

import io.sluice.compute.ShardAccess;
import io.sluice.compute.kernel.FloatReader;
import io.sluice.manifest.ModelManifest;
import io.sluice.manifest.ModelManifest.Piece;
import io.sluice.manifest.ModelManifest.Tensor;
import io.sluice.model.ByteRange;
import io.sluice.model.TensorInfo;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Reads the tensors of a part out of its shards and prepares them for the forward pass. */
final class WeightLoader {

  private final EncoderLayout layout;
  private final EncoderShape shape;
  private final Map<String, float[]> values = new HashMap<>();
  private final FloatReader elements = new FloatReader();

  private WeightLoader(EncoderLayout layout, EncoderShape shape) {
    this.layout = layout;
    this.shape = shape;
  }

  /** Reads the tensors of a part, one shard after the other, so that each needs room by itself. */
  static WeightLoader read(
      EncoderLayout layout,
      EncoderShape shape,
      ModelManifest manifest,
      int part,
      ShardAccess access)
      throws InterruptedException {
    WeightLoader loader = new WeightLoader(layout, shape);
    List<Tensor> tensors = layout.tensors(part);
    for (Tensor tensor : tensors) {
      loader.values.put(tensor.info().name(), new float[Math.toIntExact(tensor.info().elements())]);
    }
    for (Map.Entry<Integer, List<ByteRange>> runs : layout.runs(part).entrySet()) {
      int shard = runs.getKey();
      try (ShardAccess.Open open =
          access.open(manifest.shards().get(shard), runs.getValue(), bytes -> {})) {
        for (Tensor tensor : tensors) {
          for (Piece piece : tensor.pieces()) {
            if (piece.shard() == shard) {
              loader.copy(tensor, piece, open);
            }
          }
        }
      }
    }
    return loader;
  }

  /** Floats that a part takes when it is prepared. */
  static long floats(EncoderShape shape, int part) {
    long h = shape.hidden();
    long i = shape.intermediate();
    return part == 0
        ? (shape.vocabulary() + (long) shape.positions() + 2) * h
        : 4 * h * h + 2 * h * i + 13 * h + i;
  }

  EmbeddingWeights embeddings() {
    int h = shape.hidden();
    float[] positions = floats("embeddings.position_embeddings.weight");
    float[] types = floats("embeddings.token_type_embeddings.weight");
    for (int at = 0; at < positions.length; at++) {
      positions[at] += types[at % h];
    }
    return new EmbeddingWeights(
        floats("embeddings.word_embeddings.weight"),
        positions,
        floats("embeddings.LayerNorm.weight"),
        floats("embeddings.LayerNorm.bias"));
  }

  LayerWeights layer(int index) {
    String name = EncoderLayout.layer(index);
    int h = shape.hidden();
    int i = shape.intermediate();
    float[] attention = new float[3 * h * h];
    float[] bias = new float[3 * h];
    List<String> modules = List.of("query", "key", "value");
    for (int m = 0; m < modules.size(); m++) {
      String module = name + "attention.self." + modules.get(m);
      float[] matrix = rows(module + ".weight", h, h);
      float[] shift = floats(module + ".bias");
      if (m == 0) {
        float scale = (float) (1 / Math.sqrt((double) h / shape.heads()));
        scale(matrix, scale);
        scale(shift, scale);
      }
      for (int row = 0; row < h; row++) {
        System.arraycopy(matrix, row * h, attention, row * 3 * h + m * h, h);
      }
      System.arraycopy(shift, 0, bias, m * h, h);
    }
    return new LayerWeights(
        PackedMatrix.ofRows(attention, 0, 3 * h, h, 3 * h),
        bias,
        packed(name + "attention.output.dense", h, h),
        floats(name + "attention.output.dense.bias"),
        floats(name + "attention.output.LayerNorm.weight"),
        floats(name + "attention.output.LayerNorm.bias"),
        packed(name + "intermediate.dense", h, i),
        floats(name + "intermediate.dense.bias"),
        packed(name + "output.dense", i, h),
        floats(name + "output.dense.bias"),
        floats(name + "output.LayerNorm.weight"),
        floats(name + "output.LayerNorm.bias"));
  }

  private PackedMatrix packed(String module, int in, int out) {
    Tensor tensor = layout.tensor(module + ".weight");
    float[] matrix = floats(tensor);
    return layout.inByOut(tensor)
        ? PackedMatrix.ofRows(matrix, 0, out, in, out)
        : PackedMatrix.ofColumns(matrix, 0, in, in, out);
  }

  /** A matrix as [in, out], however it is stored. */
  private float[] rows(String role, int in, int out) {
    Tensor tensor = layout.tensor(role);
    float[] matrix = floats(tensor);
    if (layout.inByOut(tensor)) {
      return matrix;
    }
    float[] turned = new float[matrix.length];
    for (int o = 0; o < out; o++) {
      for (int i = 0; i < in; i++) {
        turned[i * out + o] = matrix[o * in + i];
      }
    }
    return turned;
  }

  private static void scale(float[] x, float factor) {
    for (int i = 0; i < x.length; i++) {
      x[i] *= factor;
    }
  }

  private float[] floats(String role) {
    return floats(layout.tensor(role));
  }

  private float[] floats(Tensor tensor) {
    return values.get(tensor.info().name());
  }

  private void copy(Tensor tensor, Piece piece, ShardAccess.Open open) {
    TensorInfo info = tensor.info();
    long row = info.elements() / info.rows();
    elements.read(
        info.dtype(),
        open.bytes(new ByteRange(piece.offset(), piece.length())),
        0,
        values.get(info.name()),
        Math.toIntExact(piece.firstRow() * row),
        Math.toIntExact(piece.rows() * row));
  }
}
