package io.sluice.functions.wiring;

import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.ShutdownEvent;
import io.sluice.cache.CacheMetrics;
import io.sluice.copy.CopyKind;
import io.sluice.copy.ModelStores;
import io.sluice.functions.config.SluiceConfig;
import io.sluice.functions.engine.Incarnation;
import io.sluice.functions.engine.LocalWorker;
import io.sluice.job.JobKind;
import io.sluice.job.JobSettings;
import io.sluice.job.JobSignals;
import io.sluice.job.JobStore;
import io.sluice.job.JobWaiter;
import io.sluice.job.ShardPins;
import io.sluice.job.StepMetrics;
import io.sluice.job.WorkerRegistry;
import io.sluice.job.redis.RedisJobSignals;
import io.sluice.job.redis.RedisJobStore;
import io.sluice.job.redis.RedisShardPins;
import io.sluice.job.redis.RedisWorkerRegistry;
import io.sluice.load.ChunkReader;
import io.sluice.load.LoadKind;
import io.sluice.load.ReadSettings;
import io.sluice.load.ShardLoader;
import io.sluice.load.ShardSource;
import io.sluice.manifest.ManifestRepository;
import io.sluice.memory.HeldShards;
import io.sluice.memory.SlabPool;
import io.sluice.redis.RedisClient;
import io.sluice.redis.RedisConfig;
import io.sluice.storage.Bandwidth;
import io.sluice.storage.ShardReader;
import io.sluice.storage.ShardStore;
import io.sluice.storage.ThrottledShardReader;
import io.sluice.upload.SourceOpener;
import io.sluice.upload.TransferMemory;
import io.sluice.upload.UploadKind;
import io.vertx.core.Vertx;
import io.vertx.redis.client.Redis;
import jakarta.enterprise.event.Observes;
import jakarta.enterprise.inject.Disposes;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.Optional;
import org.eclipse.microprofile.config.inject.ConfigProperty;

/** Jobs and what executes them: Redis behind the ports, memory, and the kinds of job. */
@Singleton
public class JobWiring {
  /** How long a pin of somebody who is no job lasts without renewal. */
  private static final Duration PIN_TTL = Duration.ofMinutes(2);

  /** How long the deletion of an object may take. */
  private static final Duration DELETE_TTL = Duration.ofMinutes(2);

  @Inject SluiceConfig config;
  @Inject MeterRegistry meters;

  private volatile RedisJobSignals signals;

  /** The subscription ends before the connections that it would try to make anew. */
  void stop(@Observes ShutdownEvent event) {
    if (signals != null) {
      signals.close();
    }
  }

  @Produces
  @Singleton
  RedisClient redis(
      Vertx vertx,
      Redis redis,
      @ConfigProperty(name = "quarkus.redis.hosts") Optional<String> hosts,
      @ConfigProperty(name = "quarkus.redis.max-pool-size") int poolSize) {
    return new RedisClient(
        vertx,
        redis,
        new RedisConfig(hosts.orElse("redis://unset"), config.redis().timeout(), poolSize));
  }

  void close(@Disposes RedisClient redis) {
    redis.close();
  }

  @Produces
  @Singleton
  JobStore jobs(RedisClient redis) {
    JobSettings defaults = JobSettings.defaults();
    return new RedisJobStore(
        redis,
        config.redis().prefix(),
        new JobSettings(
            config.job().lease(),
            config.job().attempts(),
            defaults.backoffMin(),
            defaults.backoffMax(),
            defaults.noRoomGrace(),
            config.job().keep(),
            defaults.detailRetention(),
            defaults.maxAge()));
  }

  @Produces
  @Singleton
  JobSignals signals(RedisClient redis) {
    signals = new RedisJobSignals(redis, config.redis().prefix());
    return signals;
  }

  @Produces
  @Singleton
  StepMetrics stepMetrics() {
    return new MicrometerStepMetrics(meters);
  }

  @Produces
  @Singleton
  JobWaiter waiter(JobStore jobs, JobSignals signals) {
    return new JobWaiter(jobs, signals);
  }

  @Produces
  @Singleton
  WorkerRegistry workers(RedisClient redis) {
    return new RedisWorkerRegistry(redis, config.redis().prefix(), config.worker().ttl());
  }

  @Produces
  @Singleton
  ShardPins pins(RedisClient redis) {
    return new RedisShardPins(redis, config.redis().prefix(), PIN_TTL, DELETE_TTL);
  }

  @Produces
  @Singleton
  SlabPool pool() {
    return new SlabPool(
        config.worker().memory().asLongValue(), config.worker().keepMemory().asLongValue());
  }

  @Produces
  @Singleton
  HeldShards held() {
    return new HeldShards();
  }

  @Produces
  @Singleton
  TransferMemory transferMemory() {
    return new TransferMemory(config.upload().memory().asLongValue());
  }

  @Produces
  @Singleton
  ShardLoader loader(
      ShardStore store,
      SlabPool pool,
      HeldShards held,
      CacheWiring.Caches caches,
      CacheMetrics metrics) {
    SluiceConfig.Load load = config.load();
    ReadSettings settings =
        new ReadSettings(
            load.parallelism(),
            load.verifyAttempts(),
            load.request().asLongValue(),
            load.deadline(),
            // Who waits for its turn on a bounded line is not slow.
            load.bandwidth().isPresent() ? 0 : load.hedges(),
            load.hedgeDelay());
    ChunkReader chunks =
        new ChunkReader(
            throttled(store), settings, Optional.of(pool), new MicrometerReadMetrics(meters));
    return new ShardLoader(caches.inFrontOf(ShardSource.of(chunks)), pool, held, metrics);
  }

  private ShardReader throttled(ShardReader store) {
    return config
        .load()
        .bandwidth()
        .<ShardReader>map(
            rate -> new ThrottledShardReader(store, new Bandwidth(rate.asLongValue())))
        .orElse(store);
  }

  @Produces
  @Singleton
  JobKind upload(
      SourceOpener sources,
      ShardStore store,
      ManifestRepository manifests,
      ShardPins pins,
      TransferMemory memory) {
    return new UploadKind(
        UploadKind.UPLOAD, sources, store, manifests, pins, memory, config.upload().reads());
  }

  @Produces
  @Singleton
  JobKind load(
      ManifestRepository manifests,
      WorkerRegistry workers,
      ShardLoader loader,
      Incarnation incarnation,
      LocalWorker self) {
    return new LoadKind(
        manifests,
        workers,
        loader,
        incarnation.id(),
        self::tell,
        config.load().gap().asLongValue());
  }

  @Produces
  @Singleton
  JobKind copy(ModelStores stores, ShardPins pins, TransferMemory memory) {
    return new CopyKind(stores, pins, memory, config.upload().reads());
  }
}
