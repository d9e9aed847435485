package io.sluice.functions.wiring;

import io.sluice.compute.ComputeKind;
import io.sluice.compute.ComputeThreads;
import io.sluice.compute.MapReduce;
import io.sluice.compute.ShardAccess;
import io.sluice.compute.StoredTensors;
import io.sluice.compute.compare.CompareProgram;
import io.sluice.compute.convert.ConvertProgram;
import io.sluice.compute.embed.EmbedProgram;
import io.sluice.compute.embed.Embedder;
import io.sluice.compute.embed.TextFiles;
import io.sluice.compute.kernel.Parallel;
import io.sluice.compute.product.MatmulProgram;
import io.sluice.compute.product.MatrixSource;
import io.sluice.compute.product.TopkProgram;
import io.sluice.compute.publish.ModelPublisher;
import io.sluice.compute.stats.StatsOperation;
import io.sluice.compute.train.Exchange;
import io.sluice.compute.train.PartitionCache;
import io.sluice.compute.train.PredictProgram;
import io.sluice.compute.train.SpillingExchange;
import io.sluice.compute.train.TrainProgram;
import io.sluice.compute.train.redis.RedisExchange;
import io.sluice.functions.config.SluiceConfig;
import io.sluice.functions.engine.LocalWorker;
import io.sluice.functions.engine.http.HttpStageLink;
import io.sluice.functions.engine.lambda.OnlyThisWorker;
import io.sluice.http.RequestSigner;
import io.sluice.job.JobKind;
import io.sluice.job.ShardPins;
import io.sluice.job.WorkerRegistry;
import io.sluice.load.ShardLoader;
import io.sluice.manifest.ManifestRepository;
import io.sluice.memory.HeldShards;
import io.sluice.redis.RedisClient;
import io.sluice.storage.ShardStore;
import io.sluice.upload.TransferMemory;
import jakarta.enterprise.inject.Disposes;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.List;

/** The computations that there are. */
public class ComputeWiring {
  /** How long what a round leaves is kept, if nobody takes it away. */
  private static final Duration EXCHANGE_TTL = Duration.ofHours(6);

  /** Largest value that goes through Redis. */
  private static final int EXCHANGE_VALUE = 1 << 20;

  @Inject SluiceConfig config;

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

  /** What the rounds of a training leave for each other: in Redis, large values in the store. */
  @Produces
  @Singleton
  Exchange exchange(RedisClient redis, ShardStore store) {
    return new SpillingExchange(
        new RedisExchange(redis, config.redis().prefix(), EXCHANGE_TTL), store, EXCHANGE_VALUE);
  }

  @Produces
  @Singleton
  PartitionCache partitions() {
    return new PartitionCache(config.train().memory().asLongValue());
  }

  @Produces
  @Singleton
  Embedder embedder(
      ManifestRepository manifests,
      ShardStore store,
      ShardAccess shards,
      WorkerRegistry workers,
      HeldShards held,
      LocalWorker self,
      RequestSigner signer) {
    Runtime runtime = Runtime.getRuntime();
    Embedder embedder =
        new Embedder(
            manifests,
            store,
            shards,
            config.engine() == SluiceConfig.Engine.LAMBDA
                ? new OnlyThisWorker(workers, self)
                : workers,
            new HttpStageLink(signer),
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
  ComputeThreads threads() {
    int threads = config.compute().threads();
    return new ComputeThreads(threads > 0 ? threads : Runtime.getRuntime().availableProcessors());
  }

  void close(@Disposes ComputeThreads threads) {
    threads.close();
  }

  @Produces
  @Singleton
  Parallel parallel(ComputeThreads threads) {
    return Parallel.away(threads.executor(), threads.count()); // tasks run on virtual threads
  }

  @Produces
  @Singleton
  JobKind compute(
      ManifestRepository manifests,
      WorkerRegistry workers,
      ShardAccess shards,
      StoredTensors tensors,
      ModelPublisher publisher,
      ShardStore store,
      Exchange exchange,
      PartitionCache cache,
      ComputeThreads threads,
      Parallel parallel,
      Embedder embedder) {
    MatrixSource matrices = new MatrixSource(manifests, workers, shards, tensors);
    return new ComputeKind(
        List.of(
            new MapReduce(new StatsOperation(), manifests, workers, shards, threads),
            new CompareProgram(manifests, workers, shards, threads),
            new ConvertProgram(manifests, workers, shards, threads, publisher),
            new MatmulProgram(matrices, publisher, parallel),
            new TopkProgram(matrices, publisher, parallel),
            new TrainProgram(manifests, workers, tensors, publisher, store, exchange, cache),
            new PredictProgram(manifests, workers, tensors, publisher, store, cache),
            new EmbedProgram(
                embedder, new TextFiles(manifests, store, tensors), shards, publisher)));
  }
}
