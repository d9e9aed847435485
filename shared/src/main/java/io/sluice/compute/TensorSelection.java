package io.sluice.compute;

import io.sluice.manifest.ModelManifest;
import io.sluice.placement.ShardSelection;
import io.sluice.plan.TensorGlobs;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Which tensors of a model a computation takes, and why it leaves others out. A tensor that the
 * request names in full must be taken; one that only a wildcard reaches may be left out.
 *
 * @param taken indexes of the tensors, in order of the manifest
 * @param skipped reasons by name of the tensor
 */
record TensorSelection(List<Integer> taken, Map<String, String> skipped) {
  private static final String OPAQUE = "OPAQUE";

  static TensorSelection of(
      ModelManifest manifest, TensorGlobs globs, Computation<?, ?> computation) {
    ShardSelection.check(manifest, globs);
    List<Integer> taken = new ArrayList<>();
    Map<String, String> skipped = new LinkedHashMap<>();
    for (int i = 0; i < manifest.tensors().size(); i++) {
      ModelManifest.Tensor tensor = manifest.tensors().get(i);
      String name = tensor.info().name();
      if (!globs.matches(name)) {
        continue;
      }
      Optional<String> refusal = refusal(manifest, tensor, computation);
      if (refusal.isEmpty()) {
        taken.add(i);
      } else if (globs.globs().contains(name)) {
        throw ComputeException.refused(
            "operation '"
                + computation.name()
                + "' does not take tensor '"
                + name
                + "': "
                + refusal.get());
      } else {
        skipped.put(name, refusal.get());
      }
    }
    return new TensorSelection(taken, skipped);
  }

  private static Optional<String> refusal(
      ModelManifest manifest, ModelManifest.Tensor tensor, Computation<?, ?> computation) {
    return manifest.files().get(tensor.file()).format().equals(OPAQUE)
        ? Optional.of("it is a file of no known format")
        : computation.refusal(tensor.info());
  }
}
