package io.sluice.compute.convert;

import io.sluice.compute.ComputeException;
import io.sluice.compute.TensorSelection;
import io.sluice.manifest.ModelManifest;
import io.sluice.model.TensorInfo;
import io.sluice.plan.TensorGlobs;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * Which tensors are converted, and which shards have to be made anew for that.
 *
 * @param taken names of the tensors that are converted, in order of the manifest
 * @param skipped of those that were asked for, which are copied and why
 * @param shards indexes of the shards with a converted tensor
 */
record ConvertSelection(Set<String> taken, Map<String, String> skipped, Set<Integer> shards) {

  static ConvertSelection of(
      ModelManifest manifest, TensorGlobs globs, ConvertArguments arguments) {
    TensorSelection selection = TensorSelection.of(manifest, globs, "convert", arguments::refusal);
    Set<String> taken = new LinkedHashSet<>();
    Set<Integer> shards = new TreeSet<>();
    for (int index : selection.taken()) {
      ModelManifest.Tensor tensor = manifest.tensors().get(index);
      taken.add(tensor.info().name());
      tensor.pieces().forEach(piece -> shards.add(piece.shard()));
    }
    requireRoomForScales(manifest, taken, arguments);
    return new ConvertSelection(taken, selection.skipped(), shards);
  }

  /** The scales of a tensor want a name that is free, and their role as long as roles may be. */
  private static void requireRoomForScales(
      ModelManifest manifest, Set<String> taken, ConvertArguments arguments) {
    Set<String> names = new HashSet<>();
    manifest.tensors().forEach(tensor -> names.add(tensor.info().name()));
    for (ModelManifest.Tensor tensor : manifest.tensors()) {
      if (taken.contains(tensor.info().name())) {
        arguments.results(tensor.info()).stream()
            .skip(1)
            .forEach(
                scales -> {
                  if (!names.add(scales.name())) {
                    throw ComputeException.refused(
                        "the scales of '"
                            + tensor.info().name()
                            + "' would be called '"
                            + scales.name()
                            + "', which is a tensor already");
                  }
                  requireRoomForRole(tensor);
                });
      }
    }
  }

  /** Scales have the role of their tensor with an ending. */
  private static void requireRoomForRole(ModelManifest.Tensor tensor) {
    int room = TensorInfo.MAX_NAME - ConvertArguments.SCALE.length();
    int length = tensor.role().map(String::length).orElse(0);
    if (length > room) {
      throw ComputeException.refused(
          "the scales of '"
              + tensor.info().name()
              + "' would have its role with '"
              + ConvertArguments.SCALE
              + "' behind it, for which a role has at most "
              + room
              + " characters, got "
              + length);
    }
  }
}
