package io.sluice.placement;

import io.sluice.manifest.ModelManifest;
import io.sluice.model.ByteRange;
import io.sluice.model.InvalidValueException;
import io.sluice.plan.TensorGlobs;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;

/** Which bytes of which shards some tensors need. */
public final class ShardSelection {
  private ShardSelection() {}

  /**
   * The runs of whole chunks that the selected tensors need, by index of the shard in ascending
   * order; whole shards if every tensor is selected.
   *
   * @throws InvalidValueException {@code tensors-unknown} if there are globs and none matches
   */
  public static Map<Integer, List<ByteRange>> runs(ModelManifest manifest, TensorGlobs globs) {
    return runs(manifest, globs, 0);
  }

  /**
   * The same, with small gaps bridged.
   *
   * @param gap most bytes between two runs that become one
   */
  public static Map<Integer, List<ByteRange>> runs(
      ModelManifest manifest, TensorGlobs globs, long gap) {
    if (globs.all()) {
      Map<Integer, List<ByteRange>> all = new TreeMap<>();
      for (int i = 0; i < manifest.shards().size(); i++) {
        all.put(i, ChunkRuns.whole(manifest.shards().get(i).checksums()));
      }
      return all;
    }
    check(manifest, globs);
    return runs(manifest, (ModelManifest.Tensor t) -> globs.matches(t.info().name()), gap);
  }

  /** The runs of whole chunks that these tensors need, by index of the shard. */
  public static Map<Integer, List<ByteRange>> runs(
      ModelManifest manifest, Predicate<ModelManifest.Tensor> selected) {
    return runs(manifest, selected, 0);
  }

  private static Map<Integer, List<ByteRange>> runs(
      ModelManifest manifest, Predicate<ModelManifest.Tensor> selected, long gap) {
    Map<Integer, List<ByteRange>> wanted = new TreeMap<>();
    for (ModelManifest.Tensor tensor : manifest.tensors()) {
      if (selected.test(tensor)) {
        for (ModelManifest.Piece piece : tensor.pieces()) {
          wanted
              .computeIfAbsent(piece.shard(), s -> new ArrayList<>())
              .add(new ByteRange(piece.offset(), piece.length()));
        }
      }
    }
    wanted.replaceAll(
        (shard, ranges) -> ChunkRuns.cover(manifest.shards().get(shard).checksums(), ranges, gap));
    return wanted;
  }

  /**
   * Checks that globs select something.
   *
   * @throws InvalidValueException {@code tensors-unknown} naming the first glob that matches
   *     nothing
   */
  public static void check(ModelManifest manifest, TensorGlobs globs) {
    for (String glob : globs.globs()) {
      TensorGlobs one = new TensorGlobs(List.of(glob));
      if (manifest.tensors().stream().noneMatch(t -> one.matches(t.info().name()))) {
        throw new InvalidValueException(
            "tensors-unknown",
            "none of the " + manifest.tensors().size() + " tensors matches '" + glob + "'");
      }
    }
  }
}
