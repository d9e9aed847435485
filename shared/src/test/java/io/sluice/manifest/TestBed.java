package io.sluice.manifest;

import io.sluice.job.redis.RedisShardPins;
import io.sluice.manifest.redis.RedisManifestIndex;
import io.sluice.pins.OwnedPins;
import io.sluice.redis.RedisClient;
import io.sluice.redis.TestRedis;
import io.sluice.storage.ShardStore;
import io.sluice.storage.file.FileShardStore;
import io.vertx.redis.client.Response;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;

/** A store of files, an index and pins in a real Redis, under a prefix of their own. */
final class TestBed implements AutoCloseable {
  final Path root;
  final String prefix = TestRedis.prefix();
  final RedisClient redis = TestRedis.shared().client();
  final ShardStore store;
  final RedisManifestIndex index = new RedisManifestIndex(redis, prefix);
  final ObjectPins pins =
      new OwnedPins(
          new RedisShardPins(redis, prefix, Duration.ofSeconds(30), Duration.ofSeconds(30)));
  final InstantSource clock = Clock.systemUTC();
  final StoredManifests manifests;

  TestBed(Path root) {
    this.root = root;
    this.store = new FileShardStore(root);
    this.manifests = manifests(store, index);
  }

  /** What another process has: its own cache over the same store. */
  StoredManifests manifests(ShardStore store, ManifestIndex index) {
    return new StoredManifests(store, index, pins, new ManifestCodec(), clock, 8, 1 << 20);
  }

  GarbageCollector collector() {
    return new GarbageCollector(store, index, pins, new ManifestCodec(), clock);
  }

  List<String> keys() {
    List<String> keys = new ArrayList<>();
    for (Response key : redis.call("KEYS", prefix + "*")) {
      keys.add(key.toString());
    }
    return keys;
  }

  /** Redis forgets everything at once. */
  void flush() {
    List<String> keys = keys();
    if (!keys.isEmpty()) {
      redis.call("DEL", keys);
    }
  }

  @Override
  public void close() {
    flush();
    redis.close();
    store.close();
  }
}
