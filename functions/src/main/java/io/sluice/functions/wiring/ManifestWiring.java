package io.sluice.functions.wiring;

import io.sluice.functions.audit.AuditLog;
import io.sluice.functions.audit.AuditedCollector;
import io.sluice.functions.audit.AuditedManifests;
import io.sluice.functions.config.SluiceConfig;
import io.sluice.functions.config.SluiceConfig.StoreKind;
import io.sluice.functions.engine.LocalWorker;
import io.sluice.job.JobStore;
import io.sluice.job.ShardPins;
import io.sluice.manifest.GarbageCollector;
import io.sluice.manifest.ManifestCodec;
import io.sluice.manifest.ManifestIndex;
import io.sluice.manifest.ManifestRepository;
import io.sluice.manifest.ObjectPins;
import io.sluice.manifest.StoredManifests;
import io.sluice.manifest.Verifier;
import io.sluice.manifest.redis.RedisManifestIndex;
import io.sluice.pins.OwnedPins;
import io.sluice.redis.RedisClient;
import io.sluice.storage.ShardStore;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.time.InstantSource;

/** Manifests, their index, and what looks after the store. */
public class ManifestWiring {
  /** Objects that are looked at or read at once. */
  private static final int PARALLELISM = 32;

  /** Bytes of manifests that are kept parsed. */
  private static final long CACHE_BYTES = 64L << 20;

  @Inject SluiceConfig config;

  @Produces
  @Singleton
  ManifestIndex index(RedisClient redis) {
    return index(redis, config.redis().prefix(), config.store());
  }

  /** The index of a store: each has one of its own, for each has models of its own. */
  static ManifestIndex index(RedisClient redis, String prefix, StoreKind store) {
    return new RedisManifestIndex(redis, prefix + store.text() + ":");
  }

  @Produces
  @Singleton
  ObjectPins objectPins(ShardPins pins) {
    return new OwnedPins(pins);
  }

  @Produces
  @Singleton
  ManifestRepository repository(
      ShardStore store,
      ManifestIndex index,
      ObjectPins pins,
      JobStore jobs,
      LocalWorker self,
      AuditLog audit) {
    return EventWiring.announced(config.events(), manifests(store, index, pins, audit), jobs, self);
  }

  static ManifestRepository manifests(
      ShardStore store, ManifestIndex index, ObjectPins pins, AuditLog audit) {
    return new AuditedManifests(
        new StoredManifests(
            store,
            index,
            pins,
            new ManifestCodec(),
            InstantSource.system(),
            PARALLELISM,
            CACHE_BYTES),
        audit);
  }

  @Produces
  @Singleton
  AuditedCollector collector(
      ShardStore store, ManifestIndex index, ObjectPins pins, AuditLog audit) {
    return new AuditedCollector(
        new GarbageCollector(store, index, pins, new ManifestCodec(), InstantSource.system()),
        audit);
  }

  @Produces
  @Singleton
  Verifier verifier(ShardStore store) {
    return new Verifier(store, PARALLELISM);
  }
}
