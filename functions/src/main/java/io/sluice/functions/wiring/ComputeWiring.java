package io.sluice.functions.wiring;

import io.sluice.compute.ComputeKind;
import io.sluice.compute.MapReduce;
import io.sluice.compute.ShardAccess;
import io.sluice.compute.StoredTensors;
import io.sluice.compute.publish.ModelPublisher;
import io.sluice.compute.stats.StatsOperation;
import io.sluice.job.JobKind;
import io.sluice.job.ShardPins;
import io.sluice.job.WorkerRegistry;
import io.sluice.load.ShardLoader;
import io.sluice.manifest.ManifestRepository;
import io.sluice.storage.ShardStore;
import io.sluice.upload.TransferMemory;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import java.util.List;

/** The computations that there are. */
public class ComputeWiring {
  @Produces
  @Singleton
  ShardAccess shards(ShardLoader loader) {
    return new LoadedShards(loader);
  }

  @Produces
  @Singleton
  StoredTensors tensors(ManifestRepository manifests, ShardAccess shards) {
    return new StoredTensors(manifests, shards);
  }

  @Produces
  @Singleton
  ModelPublisher publisher(
      ShardStore store, ManifestRepository manifests, ShardPins pins, TransferMemory memory) {
    return new ModelPublisher(store, manifests, pins, new TransferOutput(memory));
  }

  @Produces
  @Singleton
  JobKind compute(ManifestRepository manifests, WorkerRegistry workers, ShardAccess shards) {
    return new ComputeKind(
        List.of(new MapReduce(new StatsOperation(), manifests, workers, shards)));
  }
}
