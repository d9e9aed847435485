package io.sluice.functions.cli;

import io.sluice.functions.audit.AuditedCollector;
import io.sluice.manifest.ManifestRepository;
import io.sluice.manifest.Verifier;
import io.sluice.storage.ShardStore;
import jakarta.enterprise.context.Dependent;
import jakarta.enterprise.inject.Instance;
import jakarta.inject.Inject;

/** What commands need of the store; nothing is connected before it is asked for. */
@Dependent
class StoreSide {
  @Inject Instance<ManifestRepository> manifests;
  @Inject Instance<AuditedCollector> collector;
  @Inject Instance<Verifier> verifier;
  @Inject Instance<ShardStore> store;

  ManifestRepository manifests() {
    return manifests.get();
  }

  AuditedCollector collector() {
    return collector.get();
  }

  Verifier verifier() {
    return verifier.get();
  }

  ShardStore store() {
    return store.get();
  }
}
