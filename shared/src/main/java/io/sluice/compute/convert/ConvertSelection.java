package io.sluice.compute.convert;

import io.sluice.compute.ComputeException;
import io.sluice.manifest.ModelManifest;
import io.sluice.placement.ShardSelection;
import io.sluice.plan.TensorGlobs;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
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
    ShardSelection.check(manifest, globs);
    Set<String> taken = new LinkedHashSet<>();
    Map<String, String> skipped = new LinkedHashMap<>();
    Set<Integer> shards = new TreeSet<>();
    for (ModelManifest.Tensor tensor : manifest.tensors()) {
      String name = tensor.info().name();
      if (!globs.matches(name)) {
        continue;
      }
      boolean opaque = manifest.files().get(tensor.file()).format().equals("OPAQUE");
      Optional<String> refusal =
          opaque
              ? Optional.of("it is a file of no known format")
              : arguments.refusal(tensor.info());
      if (refusal.isEmpty()) {
        taken.add(name);
        tensor.pieces().forEach(piece -> shards.add(piece.shard()));
      } else if (globs.globs().contains(name)) {
        throw ComputeException.refused(
            "operation 'convert' does not take tensor '" + name + "': " + refusal.get());
      } else {
        skipped.put(name, refusal.get());
      }
    }
    requireFreeNames(manifest, taken, arguments);
    return new ConvertSelection(taken, skipped, shards);
  }

  private static void requireFreeNames(
      ModelManifest manifest, Set<String> taken, ConvertArguments arguments) {
    Set<String> names = new HashSet<>();
    manifest.tensors().forEach(tensor -> names.add(tensor.info().name()));
    for (ModelManifest.Tensor tensor : manifest.tensors()) {
      if (taken.contains(tensor.info().name())) {
        arguments.results(tensor.info()).stream()
            .skip(1)
            .filter(result -> !names.add(result.name()))
            .findFirst()
            .ifPresent(
                result -> {
                  throw ComputeException.refused(
                      "the scales of '"
                          + tensor.info().name()
                          + "' would be called '"
                          + result.name()
                          + "', which is a tensor already");
                });
      }
    }
  }
}
