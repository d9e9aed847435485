package io.sluice.copy;

import io.sluice.manifest.ManifestRepository;
import io.sluice.storage.ShardStore;

/** The stores that models can be copied between, by name. */
@FunctionalInterface
public interface ModelStores {
  /**
   * A store with the models in it.
   *
   * @throws io.sluice.model.SluiceException INVALID if there is no such store, or it is not
   *     configured
   */
  ModelStore open(String name);

  /**
   * A store and its manifests.
   *
   * @param objects shards and skeletons; repeats what fails for a moment
   * @param manifests its models
   */
  record ModelStore(ShardStore objects, ManifestRepository manifests) {}
}
