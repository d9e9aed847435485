package io.sluice.functions.engine.lambda;

import io.sluice.functions.engine.LocalWorker;
import io.sluice.job.Worker;
import io.sluice.job.WorkerRegistry;
import io.sluice.model.Digest;
import java.util.Collection;
import java.util.List;
import java.util.Map;

/**
 * The registry as it is for what sends requests to other workers: no instance of Lambda can be
 * reached by another one, so this one is alone.
 */
public final class OnlyThisWorker implements WorkerRegistry {
  private final WorkerRegistry all;
  private final LocalWorker self;

  public OnlyThisWorker(WorkerRegistry all, LocalWorker self) {
    this.all = all;
    this.self = self;
  }

  @Override
  public List<Worker> live() {
    return all.live().stream().filter(worker -> worker.id().equals(self.id())).toList();
  }

  @Override
  public Map<Digest, Map<String, String>> holders(Collection<Digest> shards) {
    return all.holders(shards);
  }

  @Override
  public void register(Worker worker) {
    all.register(worker);
  }

  @Override
  public Beat heartbeat(Worker worker) {
    return all.heartbeat(worker);
  }

  @Override
  public void deregister(Worker worker) {
    all.deregister(worker);
  }

  @Override
  public void updateHeld(Worker worker, Map<Digest, String> put, Collection<Digest> remove) {
    all.updateHeld(worker, put, remove);
  }
}
