package io.sluice.compute.compare;

import io.sluice.manifest.ModelManifest;
import io.sluice.model.ShardDescriptor;
import io.sluice.model.TensorInfo;
import io.sluice.plan.TensorGlobs;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What of two versions has to be read to compare them, as the manifests say.
 *
 * @param identical tensors of the same type and shape whose bytes are the same objects
 * @param pairs tensors of the same shape that have to be read, by name
 * @param missing tensors that only the first version has
 * @param extra tensors that only the second one has
 * @param reshaped tensors of another shape
 * @param unread tensors of the same shape that cannot be read as numbers and are other bytes, with
 *     the reason
 */
record Comparison(
    List<String> identical,
    Map<String, Pair> pairs,
    List<String> missing,
    List<String> extra,
    Map<String, Pair> reshaped,
    Map<String, String> unread) {
  /** The tensor of a name in both versions. */
  record Pair(ModelManifest.Tensor first, ModelManifest.Tensor second) {}

  static Comparison of(ModelManifest first, ModelManifest second, TensorGlobs globs) {
    Map<String, ModelManifest.Tensor> others = new LinkedHashMap<>();
    for (ModelManifest.Tensor tensor : second.tensors()) {
      if (globs.matches(tensor.info().name())) {
        others.put(tensor.info().name(), tensor);
      }
    }
    Comparison comparison =
        new Comparison(
            new ArrayList<>(),
            new LinkedHashMap<>(),
            new ArrayList<>(),
            new ArrayList<>(),
            new LinkedHashMap<>(),
            new LinkedHashMap<>());
    for (ModelManifest.Tensor tensor : first.tensors()) {
      if (globs.matches(tensor.info().name())) {
        comparison.add(first, second, tensor, others.remove(tensor.info().name()));
      }
    }
    comparison.extra.addAll(others.keySet());
    return comparison;
  }

  private void add(
      ModelManifest firstModel,
      ModelManifest secondModel,
      ModelManifest.Tensor first,
      ModelManifest.Tensor second) {
    String name = first.info().name();
    if (second == null) {
      missing.add(name);
      return;
    }
    TensorInfo a = first.info();
    TensorInfo b = second.info();
    if (!a.shape().equals(b.shape())) {
      reshaped.put(name, new Pair(first, second));
    } else if (a.dtype() == b.dtype() && sameBytes(firstModel, first, secondModel, second)) {
      identical.add(name);
    } else if (!a.dtype().isNumber() || !b.dtype().isNumber()) {
      unread.put(name, "'compare' does not read " + a.dtype() + " with " + b.dtype());
    } else {
      pairs.put(name, new Pair(first, second));
    }
  }

  private static boolean sameBytes(
      ModelManifest firstModel,
      ModelManifest.Tensor first,
      ModelManifest secondModel,
      ModelManifest.Tensor second) {
    if (first.pieces().size() != second.pieces().size()) {
      return false;
    }
    for (int i = 0; i < first.pieces().size(); i++) {
      ModelManifest.Piece a = first.pieces().get(i);
      ModelManifest.Piece b = second.pieces().get(i);
      ShardDescriptor shard = firstModel.shards().get(a.shard());
      if (a.offset() != b.offset()
          || a.rows() != b.rows()
          || !shard.digest().equals(secondModel.shards().get(b.shard()).digest())) {
        return false;
      }
    }
    return true;
  }

  /** Rows that lie together in a shard of each version. */
  record Overlap(
      String tensor,
      ModelManifest.Piece first,
      ModelManifest.Piece second,
      long firstRow,
      long rows) {}

  /** What has to be compared, by shard of the first version, then by shard of the second. */
  Map<Integer, Map<Integer, List<Overlap>>> overlaps() {
    Map<Integer, Map<Integer, List<Overlap>>> overlaps = new TreeMap<>();
    pairs.forEach(
        (name, pair) -> {
          for (ModelManifest.Piece a : pair.first().pieces()) {
            for (ModelManifest.Piece b : pair.second().pieces()) {
              long from = Math.max(a.firstRow(), b.firstRow());
              long to = Math.min(a.firstRow() + a.rows(), b.firstRow() + b.rows());
              if (from < to) {
                overlaps
                    .computeIfAbsent(a.shard(), s -> new HashMap<>())
                    .computeIfAbsent(b.shard(), s -> new ArrayList<>())
                    .add(new Overlap(name, a, b, from, to - from));
              }
            }
          }
        });
    return overlaps;
  }
}
