package io.sluice.functions.wiring;

import io.sluice.compute.ComputeKind;
import io.sluice.compute.MapReduce;
import io.sluice.compute.ShardAccess;
import io.sluice.compute.stats.StatsOperation;
import io.sluice.job.JobKind;
import io.sluice.job.WorkerRegistry;
import io.sluice.load.ShardLoader;
import io.sluice.manifest.ManifestRepository;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import java.util.List;

/** The computations that there are. */
public class ComputeWiring {
  @Produces
  @Singleton
  JobKind compute(ManifestRepository manifests, WorkerRegistry workers, ShardLoader loader) {
    ShardAccess shards = new LoadedShards(loader);
    return new ComputeKind(
        List.of(new MapReduce(new StatsOperation(), manifests, workers, shards)));
  }
}
