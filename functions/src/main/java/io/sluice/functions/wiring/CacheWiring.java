package io.sluice.functions.wiring;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.ShutdownEvent;
import io.sluice.cache.CacheMetrics;
import io.sluice.cache.CacheTier;
import io.sluice.cache.ChunkCache;
import io.sluice.cache.ShardHolders;
import io.sluice.cache.disk.DiskCache;
import io.sluice.cache.memcached.MemcachedCache;
import io.sluice.cache.memcached.MemcachedSettings;
import io.sluice.cache.peer.PeerCache;
import io.sluice.cache.peer.PeerSettings;
import io.sluice.cache.redis.RedisChunkCache;
import io.sluice.functions.config.SluiceConfig;
import io.sluice.functions.config.SluiceConfig.CacheKind;
import io.sluice.functions.engine.Incarnation;
import io.sluice.functions.engine.LocalWorker;
import io.sluice.http.RequestSigner;
import io.sluice.job.redis.RedisShardClaims;
import io.sluice.load.PeerSharing;
import io.sluice.load.ShardSource;
import io.sluice.load.TierFiller;
import io.sluice.load.TieredSource;
import io.sluice.memory.HeldShards;
import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;
import io.sluice.redis.RedisClient;
import io.sluice.redis.RedisConfig;
import io.vertx.core.Vertx;
import jakarta.enterprise.event.Observes;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;

/**
 * Where the loader has bytes from: memory, then the caches that are configured, in their order,
 * then the store. Only what is configured is made.
 */
@Singleton
public class CacheWiring {
  /** What puts the configured caches in front of the store. */
  @FunctionalInterface
  interface Caches {
    ShardSource inFrontOf(ShardSource store);
  }

  @Inject SluiceConfig config;

  private volatile List<CacheTier> open = List.of();
  private volatile TierFiller filler;

  /** Fills end before the caches that they fill. */
  void stop(@Observes ShutdownEvent event) {
    if (filler != null) {
      filler.close();
    }
    open.forEach(CacheTier::close);
  }

  @Produces
  @Singleton
  CacheMetrics cacheMetrics(MeterRegistry meters, HeldShards held) {
    Gauge.builder("sluice.cache.held.bytes", held, HeldShards::footprint)
        .description("Memory that held shards take")
        .register(meters);
    return new MicrometerCacheMetrics(meters);
  }

  @Produces
  @Singleton
  Caches caches(
      HeldShards held,
      Vertx vertx,
      RedisClient redis,
      Incarnation incarnation,
      LocalWorker self,
      RequestSigner signer,
      CacheMetrics metrics) {
    return store -> tiered(store, held, vertx, redis, incarnation, self, signer, metrics);
  }

  private ShardSource tiered(
      ShardSource store,
      HeldShards held,
      Vertx vertx,
      RedisClient redis,
      Incarnation incarnation,
      LocalWorker self,
      RequestSigner signer,
      CacheMetrics metrics) {
    checkTiers(config.cache().tiers());
    List<CacheTier> tiers = new ArrayList<>();
    Optional<PeerSharing> peers = Optional.empty();
    for (CacheKind kind : config.cache().tiers()) {
      if (kind == CacheKind.PEER) {
        SluiceConfig.CachePeer peer = config.cache().peer();
        ShardHolders holders = new ShardHolders();
        PeerCache others =
            new PeerCache(holders, new PeerSettings(peer.connectTimeout(), peer.timeout()), signer);
        CacheTier tier = new CacheTier(others, metrics);
        tiers.add(tier);
        peers =
            Optional.of(
                new PeerSharing(
                    tier,
                    holders,
                    new RedisShardClaims(redis, config.redis().prefix()),
                    incarnation.id(),
                    () -> self.sharing() && others.reachable(),
                    self::tell,
                    peer.lease(),
                    peer.waitLimit()));
      } else {
        cache(kind, vertx).ifPresent(cache -> tiers.add(new CacheTier(cache, metrics)));
      }
    }
    if (tiers.isEmpty()) {
      return store;
    }
    open = List.copyOf(tiers);
    filler = new TierFiller(tiers, held, config.cache().fillQueue());
    return new TieredSource(store, tiers, peers, filler, config.load().parallelism());
  }

  /** The cache of that kind that stands by itself, if it is configured. */
  private Optional<ChunkCache> cache(CacheKind kind, Vertx vertx) {
    SluiceConfig.Cache cache = config.cache();
    return switch (kind) {
      case MEMORY, PEER -> Optional.empty();
      case DISK -> cache.disk().root().map(this::disk);
      case REDIS ->
          cache
              .redis()
              .url()
              .map(
                  url ->
                      new RedisChunkCache(
                          new RedisClient(
                              vertx,
                              new RedisConfig(
                                  url, cache.redis().timeout(), cache.redis().connections())),
                          cache.redis().prefix(),
                          cache.redis().ttl(),
                          cache.redis().connections()));
      case MEMCACHED -> cache.memcached().servers().map(this::memcached);
    };
  }

  private ChunkCache disk(Path root) {
    return new DiskCache(root, config.cache().disk().maxBytes().asLongValue());
  }

  private ChunkCache memcached(List<String> servers) {
    SluiceConfig.CacheMemcached memcached = config.cache().memcached();
    return new MemcachedCache(
        new MemcachedSettings(
            servers.stream().map(MemcachedSettings::server).toList(),
            memcached.connectTimeout(),
            memcached.timeout(),
            memcached.ttl(),
            memcached.connections()));
  }

  private static void checkTiers(List<CacheKind> tiers) {
    if (new HashSet<>(tiers).size() < tiers.size() || tiers.lastIndexOf(CacheKind.MEMORY) > 0) {
      throw new SluiceException(
          ErrorKind.INVALID,
          "config-invalid",
          "sluice.cache.tiers names each cache once, and memory first if at all, got " + tiers);
    }
  }
}
