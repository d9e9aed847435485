package io.sluice.functions.engine.lambda;

import io.sluice.manifest.ManifestRepository;
import io.sluice.memory.HeldShards;
import io.sluice.memory.SlabPool;
import io.sluice.model.Digest;
import io.sluice.model.ModelRef;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;

/**
 * What an instance keeps between invocations. Nobody can tell a frozen instance to let go of a
 * model, so it does by itself: when a job on another model comes and less than half of the memory
 * is free.
 */
public final class InstanceMemory {
  private final ManifestRepository manifests;
  private final HeldShards held;
  private final SlabPool pool;

  public InstanceMemory(ManifestRepository manifests, HeldShards held, SlabPool pool) {
    this.manifests = manifests;
    this.held = held;
    this.pool = pool;
  }

  /**
   * Makes room for a job if memory is short.
   *
   * @param model what the job is about, if it names a model
   */
  void makeRoom(Optional<ModelRef> model) {
    if (pool.freeBytes() >= pool.budgetBytes() / 2) {
      return;
    }
    Optional<Digest> wanted = model.map(ref -> manifests.resolve(ref).version());
    Set<Digest> owners = new HashSet<>();
    held.snapshot().values().forEach(shard -> owners.addAll(shard.owners()));
    wanted.ifPresent(owners::remove);
    owners.forEach(held::release);
  }
}
