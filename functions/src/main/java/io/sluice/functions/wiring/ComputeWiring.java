package io.sluice.functions.wiring;

import io.sluice.compute.ComputeKind;
import io.sluice.compute.MapReduce;
import io.sluice.compute.ShardAccess;
import io.sluice.compute.StoredTensors;
import io.sluice.compute.embed.EmbedProgram;
import io.sluice.compute.embed.Embedder;
import io.sluice.compute.publish.ModelPublisher;
import io.sluice.compute.stats.StatsOperation;
import io.sluice.functions.config.SluiceConfig;
import io.sluice.functions.engine.LocalWorker;
import io.sluice.functions.engine.http.HttpStageLink;
import io.sluice.job.JobKind;
import io.sluice.job.ShardPins;
import io.sluice.job.WorkerRegistry;
import io.sluice.load.ShardLoader;
import io.sluice.manifest.ManifestRepository;
import io.sluice.memory.HeldShards;
import io.sluice.storage.ShardStore;
import io.sluice.upload.TransferMemory;
import jakarta.enterprise.inject.Disposes;
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
  Embedder embedder(
      SluiceConfig config,
      ManifestRepository manifests,
      ShardStore store,
      ShardAccess shards,
      WorkerRegistry workers,
      HeldShards held,
      LocalWorker self) {
    Runtime runtime = Runtime.getRuntime();
    Embedder embedder =
        new Embedder(
            manifests,
            store,
            shards,
            workers,
            new HttpStageLink(),
            self::id,
            Math.min(config.embed().memory().asLongValue(), runtime.maxMemory() / 2),
            runtime.availableProcessors());
    held.onChange(
        shard -> {
          if (held.coverage(shard).runs().isEmpty()) {
            embedder.stages().dropped(shard);
          }
        });
    return embedder;
  }

  void close(@Disposes Embedder embedder) {
    embedder.close();
  }

  @Produces
  @Singleton
  JobKind compute(
      ManifestRepository manifests, WorkerRegistry workers, ShardAccess shards, Embedder embedder) {
    return new ComputeKind(
        List.of(
            new MapReduce(new StatsOperation(), manifests, workers, shards),
            new EmbedProgram(embedder)));
  }
}
