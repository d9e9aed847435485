package io.sluice.compute;

import io.sluice.manifest.ModelManifest;
import io.sluice.model.TensorInfo;
import io.sluice.placement.ShardSelection;
import io.sluice.plan.TensorGlobs;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * Which tensors of a model a computation takes, and why it leaves others out. A tensor that the
 * request names in full must be taken; one that only a wildcard reaches may be left out.
 *
 * @param taken indexes of the tensors, in order of the manifest
 * @param skipped reasons by name of the tensor
 */
public record TensorSelection(List<Integer> taken, Map<String, String> skipped) {
  private static final String OPAQUE = "OPAQUE";

  /**
   * Selects tensors.
   *
   * @param operation name of it, for messages
   * @param refusal why it does not take a tensor; empty if it does
   * @throws ComputeException if a glob is the name of a tensor that is not taken
   */
  public static TensorSelection of(
      ModelManifest manifest,
      TensorGlobs globs,
      String operation,
      Function<TensorInfo, Optional<String>> refusal) {
    ShardSelection.check(manifest, globs);
    List<Integer> taken = new ArrayList<>();
    Map<String, String> skipped = new LinkedHashMap<>();
    for (int i = 0; i < manifest.tensors().size(); i++) {
      ModelManifest.Tensor tensor = manifest.tensors().get(i);
      String name = tensor.info().name();
      if (!globs.matches(name)) {
        continue;
      }
      Optional<String> reason =
          manifest.files().get(tensor.file()).format().equals(OPAQUE)
              ? Optional.of("it is a file of no known format")
              : refusal.apply(tensor.info());
      if (reason.isEmpty()) {
        taken.add(i);
      } else if (globs.globs().contains(name)) {
        throw ComputeException.refused(
            "operation '" + operation + "' does not take tensor '" + name + "': " + reason.get());
      } else {
        skipped.put(name, reason.get());
      }
    }
    return new TensorSelection(taken, skipped);
  }
}
