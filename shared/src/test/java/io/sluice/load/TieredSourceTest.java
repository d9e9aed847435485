package io.sluice.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import io.sluice.Eventually;
import io.sluice.cache.CacheMetrics;
import io.sluice.cache.CacheTier;
import io.sluice.cache.ChunkKey;
import io.sluice.cache.ShardHolders;
import io.sluice.cache.disk.DiskCache;
import io.sluice.cache.peer.PeerCache;
import io.sluice.cache.peer.PeerSettings;
import io.sluice.http.RequestSigner;
import io.sluice.job.ShardClaims;
import io.sluice.job.Worker;
import io.sluice.job.redis.RedisShardClaims;
import io.sluice.job.redis.RedisTime;
import io.sluice.job.redis.RedisWorkerRegistry;
import io.sluice.memory.HeldShards;
import io.sluice.memory.HeldView;
import io.sluice.memory.SlabPool;
import io.sluice.model.ByteRange;
import io.sluice.model.ContentHasher;
import io.sluice.model.Digest;
import io.sluice.model.Keys;
import io.sluice.model.ShardDescriptor;
import io.sluice.placement.ChunkRuns;
import io.sluice.redis.RedisClient;
import io.sluice.redis.RedisConfig;
import io.sluice.redis.TestRedis;
import io.sluice.storage.ObjectInfo;
import io.sluice.storage.ReadObserver;
import io.sluice.storage.ShardReader;
import io.sluice.storage.file.FileShardStore;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Loaders with caches in front of a real store, and with each other over a real Redis and HTTP. */
class TieredSourceTest {
  private static final int CHUNK = 64 << 10;
  private static final Digest OWNER = Digest.sha256(new byte[] {1});
  private static final Duration LEASE = Duration.ofMinutes(5);
  private static RedisClient redis;

  @TempDir Path root;

  private final String prefix = TestRedis.prefix();
  private final AtomicLong stored = new AtomicLong();
  private final List<Instance> instances = new ArrayList<>();
  private FileShardStore store;
  private byte[] bytes;
  private ShardDescriptor shard;
  private volatile Duration storeDelay = Duration.ZERO;

  @BeforeAll
  static void connect() {
    redis = TestRedis.shared().client();
  }

  @AfterAll
  static void disconnect() {
    redis.close();
  }

  @BeforeEach
  void storeOneShard() throws IOException {
    store = new FileShardStore(Files.createDirectory(root.resolve("store")));
    bytes = new byte[10 * CHUNK + 77];
    new Random(7).nextBytes(bytes);
    shard = put(bytes);
  }

  private ShardDescriptor put(byte[] object) {
    ContentHasher hasher = new ContentHasher(object.length, CHUNK);
    hasher.update(MemorySegment.ofArray(object));
    ShardDescriptor descriptor = hasher.finish();
    store.putIfAbsent(Keys.shard(descriptor.digest()), MemorySegment.ofArray(object));
    return descriptor;
  }

  @AfterEach
  void everythingIsFreed() {
    instances.forEach(Instance::close);
    store.close();
  }

  /** The store, slowed down and counted. */
  private ShardReader counted() {
    return new ShardReader() {
      @Override
      public ObjectInfo head(String key) {
        return store.head(key);
      }

      @Override
      public void read(
          String key,
          Optional<String> etag,
          ByteRange range,
          MemorySegment to,
          ReadObserver observer) {
        try {
          Thread.sleep(storeDelay);
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          throw new IllegalStateException(e);
        }
        stored.addAndGet(range.length());
        store.read(key, etag, range, to, observer);
      }
    };
  }

  /** A worker: a loader, what it holds, and how others get that. */
  private final class Instance implements AutoCloseable {
    final SlabPool pool = new SlabPool(64 << 20);
    final HeldShards held = new HeldShards();
    final Worker worker;
    final RedisWorkerRegistry registry =
        new RedisWorkerRegistry(redis, prefix, LEASE.multipliedBy(2));
    final HttpServer server;
    final ShardLoader loader;
    final TierFiller filler;
    final List<CacheTier> tiers = new ArrayList<>();
    final AtomicLong served = new AtomicLong();

    Instance(String id, boolean peers, Optional<Path> disk) {
      this(id, peers, disk, redis);
    }

    Instance(String id, boolean peers, Optional<Path> disk, RedisClient claimsOn) {
      instances.add(this);
      try {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 512);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
      server.createContext("/shards/", this::serve);
      server.start();
      worker =
          new Worker(
              id,
              id + "-1",
              "http://127.0.0.1:" + server.getAddress().getPort(),
              Instant.now(),
              pool.budgetBytes(),
              pool.freeBytes(),
              0);
      registry.register(worker);
      ShardHolders holders = new ShardHolders();
      Optional<PeerSharing> sharing = Optional.empty();
      if (peers) {
        PeerSettings settings = new PeerSettings(Duration.ofSeconds(30), Duration.ofMinutes(1));
        tiers.add(
            new CacheTier(new PeerCache(holders, settings, RequestSigner.NONE), CacheMetrics.NONE));
        sharing =
            Optional.of(
                new PeerSharing(
                    tiers.getFirst(),
                    holders,
                    new RedisShardClaims(claimsOn, prefix),
                    worker.incarnation(),
                    () -> true,
                    this::tell,
                    LEASE,
                    LEASE));
      }
      disk.ifPresent(
          path -> tiers.add(new CacheTier(new DiskCache(path, 64 << 20), CacheMetrics.NONE)));
      filler = new TierFiller(tiers, held, 100);
      ShardSource direct = ShardSource.of(new ChunkReader(counted(), 4, 3));
      loader =
          new ShardLoader(
              new TieredSource(direct, tiers, sharing, filler, 8), pool, held, CacheMetrics.NONE);
    }

    private synchronized void tell() {
      Map<Digest, String> put = new HashMap<>();
      held.snapshot().forEach((digest, what) -> put.put(digest, what.coverage().toString()));
      registry.updateHeld(worker, put, List.of());
    }

    private void serve(com.sun.net.httpserver.HttpExchange exchange) throws IOException {
      try (exchange) {
        String path = exchange.getRequestURI().getPath();
        Digest digest = Digest.parse(path.substring(path.lastIndexOf('/') + 1));
        String[] range =
            exchange.getRequestHeaders().getFirst("Range").substring("bytes=".length()).split("-");
        long first = Long.parseLong(range[0]);
        ByteRange wanted = ByteRange.between(first, Long.parseLong(range[1]) + 1);
        Optional<HeldView> view = held.open(digest, wanted);
        if (view.isEmpty()) {
          exchange.sendResponseHeaders(404, -1);
          return;
        }
        try (HeldView open = view.get()) {
          byte[] body = open.segment().toArray(ValueLayout.JAVA_BYTE);
          served.addAndGet(body.length);
          exchange.sendResponseHeaders(206, body.length);
          exchange.getResponseBody().write(body);
        }
      }
    }

    Map<String, Long> load(ShardDescriptor what) throws InterruptedException {
      AtomicLong progress = new AtomicLong();
      ShardLoader.Loaded loaded =
          loader.load(OWNER, what, ChunkRuns.whole(what.checksums()), progress::addAndGet);
      assertThat(loaded.bytes()).isEqualTo(what.size());
      assertThat(progress).hasValue(what.size());
      assertThat(loaded.sources().values().stream().mapToLong(Long::longValue).sum())
          .isEqualTo(what.size());
      return loaded.sources();
    }

    void assertHolds(ShardDescriptor what, byte[] expected) {
      try (HeldView view = held.open(what.digest(), new ByteRange(0, what.size())).orElseThrow()) {
        assertThat(view.segment().toArray(ValueLayout.JAVA_BYTE)).isEqualTo(expected);
      }
    }

    void unload() {
      held.release(OWNER);
    }

    @Override
    public void close() {
      server.stop(0);
      filler.close();
      unload();
      tiers.forEach(CacheTier::close);
      // Who has read from here may be done before this server has let go of what it sent.
      try {
        Eventually.eventually("memory to be given back", () -> pool.usedBytes() == 0);
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
      pool.close();
      registry.deregister(worker);
    }
  }

  private void awaitFilled(Path disk, int files) throws Exception {
    long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
    while (true) {
      try (Stream<Path> all = Files.walk(disk)) {
        if (all.filter(f -> f.getFileName().toString().length() > 64).count() == files) {
          return;
        }
      } catch (UncheckedIOException e) {
        // A file got its name while the folder was walked: look again.
        assertThat(e).hasCauseInstanceOf(NoSuchFileException.class);
      }
      assertThat(System.nanoTime()).as("the disk cache is filled").isLessThan(deadline);
      Thread.sleep(10);
    }
  }

  @Test
  void aSecondLoadComesFromTheDiskAndAThirdFromMemory() throws Exception {
    Path disk = root.resolve("disk");
    Instance one = new Instance("one", false, Optional.of(disk));
    assertThat(one.load(shard)).isEqualTo(Map.of("store", shard.size()));
    awaitFilled(disk, 11);
    one.unload();
    assertThat(one.load(shard)).isEqualTo(Map.of("disk", shard.size()));
    one.assertHolds(shard, bytes);
    assertThat(one.load(shard)).isEqualTo(Map.of("memory", shard.size()));
    assertThat(stored).hasValue(shard.size());
  }

  @Test
  void whatIsMissingOrDamagedInTheCacheComesFromTheStore() throws Exception {
    Path disk = root.resolve("disk");
    Instance one = new Instance("one", false, Optional.of(disk));
    one.load(shard);
    awaitFilled(disk, 11);
    one.unload();
    Path folder = disk.resolve("sluice-chunks/v1").resolve(shard.digest().hex().substring(0, 2));
    Path gone = folder.resolve(ChunkKey.of(shard, 3).text());
    Path wrong = folder.resolve(ChunkKey.of(shard, 10).text());
    Files.delete(gone);
    Files.write(wrong, new byte[77]);
    stored.set(0);
    assertThat(one.load(shard))
        .isEqualTo(Map.of("disk", shard.size() - CHUNK - 77, "store", CHUNK + 77L));
    one.assertHolds(shard, bytes);
    assertThat(stored).hasValue(CHUNK + 77L);
    awaitFilled(disk, 11);
    assertThat(Files.size(gone)).isEqualTo(CHUNK);
  }

  @Test
  void aColdWorkerReadsFromAWarmOne() throws Exception {
    Instance warm = new Instance("warm", true, Optional.empty());
    Instance cold = new Instance("cold", true, Optional.empty());
    assertThat(warm.load(shard)).isEqualTo(Map.of("store", shard.size()));
    assertThat(cold.load(shard)).isEqualTo(Map.of("peer", shard.size()));
    cold.assertHolds(shard, bytes);
    assertThat(warm.served).hasValue(shard.size());
  }

  @Test
  void manyWorkersThatWantOneShardAtOnceReadTheStoreOnce() throws Exception {
    storeDelay = Duration.ofMillis(100);
    List<Instance> workers = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      workers.add(new Instance("w" + i, true, Optional.empty()));
    }
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Map<String, Long>>> loads = new ArrayList<>();
      workers.forEach(worker -> loads.add(threads.submit(() -> worker.load(shard))));
      for (Future<Map<String, Long>> load : loads) {
        load.get();
      }
    }
    workers.forEach(worker -> worker.assertHolds(shard, bytes));
    assertThat(stored).hasValue(shard.size());
  }

  @Test
  void aHolderThatHasLetGoOrDiedCostsNothingButAReadOfTheStore() throws Exception {
    Instance forgetful = new Instance("forgetful", true, Optional.empty());
    Instance dead = new Instance("dead", true, Optional.empty());
    forgetful.load(shard);
    dead.load(shard);
    dead.tell();
    // Neither tells the registry.
    forgetful.unload();
    dead.server.stop(0);
    stored.set(0);
    Instance cold = new Instance("cold", true, Optional.empty());
    assertThat(cold.load(shard)).isEqualTo(Map.of("store", shard.size()));
    cold.assertHolds(shard, bytes);
    assertThat(stored).hasValue(shard.size());
  }

  @Test
  void aDamagedPeerIsNotBelieved() throws Exception {
    Instance warm = new Instance("warm", true, Optional.empty());
    warm.load(shard);
    warm.server.removeContext("/shards/");
    warm.server.createContext(
        "/shards/",
        exchange -> {
          try (exchange) {
            String[] range = exchange.getRequestHeaders().getFirst("Range").substring(6).split("-");
            int length = Integer.parseInt(range[1]) - Integer.parseInt(range[0]) + 1;
            exchange.sendResponseHeaders(206, length);
            exchange.getResponseBody().write(new byte[length]);
          }
        });
    Instance cold = new Instance("cold", true, Optional.empty());
    assertThat(cold.load(shard)).isEqualTo(Map.of("store", shard.size()));
    cold.assertHolds(shard, bytes);
  }

  @Test
  void aReaderThatDiesIsFollowedByAnother() throws Exception {
    // Somebody has claimed the shard and is gone without a word.
    new RedisShardClaims(redis, prefix)
        .ask("dead-1", shard.digest(), ChunkRuns.whole(shard.checksums()), List.of(), LEASE);
    Instance one = new Instance("one", true, Optional.empty());
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      Future<Map<String, Long>> load = threads.submit(() -> one.load(shard));
      Eventually.eventually("memory for the load", () -> one.pool.usedBytes() > 0);
      Thread.sleep(100); // may be too short to show anything, and never too long
      assertThat(load).isNotDone();
      assertThat(stored).hasValue(0);
      RedisTime.passes(redis, prefix, LEASE);
      assertThat(load.get()).isEqualTo(Map.of("store", shard.size()));
    }
  }

  @Test
  void aLoadThatFailsGivesItsClaimUp() throws Exception {
    Files.delete(root.resolve("store").resolve(Keys.shard(shard.digest())));
    Instance one = new Instance("one", true, Optional.empty());
    assertThatThrownBy(() -> one.load(shard)).isInstanceOf(LoadException.class);
    RedisShardClaims claims = new RedisShardClaims(redis, prefix);
    List<ByteRange> whole = ChunkRuns.whole(shard.checksums());
    Eventually.eventually(
        "the claim to be given up, long before its lease ends",
        () ->
            claims.ask("other-1", shard.digest(), whole, List.of(), LEASE).advice()
                == ShardClaims.Advice.READ);
  }

  @Test
  void withoutTheRegistryEverybodyReadsForHimself() throws Exception {
    try (RedisClient nowhere =
        new RedisClient(
            TestRedis.vertx(), new RedisConfig("redis://127.0.0.1:1", Duration.ofMillis(300), 2))) {
      Instance one = new Instance("one", true, Optional.empty(), nowhere);
      assertThat(one.load(shard)).isEqualTo(Map.of("store", shard.size()));
      one.assertHolds(shard, bytes);
    }
  }

  @Test
  void anInterruptedWaitLeavesNothingBehind() throws Exception {
    new RedisShardClaims(redis, prefix)
        .ask(
            "slow-1",
            shard.digest(),
            ChunkRuns.whole(shard.checksums()),
            List.of(),
            Duration.ofMinutes(1));
    Instance one = new Instance("one", true, Optional.empty());
    List<Throwable> failures = new java.util.concurrent.CopyOnWriteArrayList<>();
    Thread thread =
        Thread.ofVirtual()
            .start(
                () -> {
                  try {
                    one.load(shard);
                  } catch (Throwable e) {
                    failures.add(e);
                  }
                });
    Eventually.eventually("memory for the load", () -> one.pool.usedBytes() > 0);
    Thread.sleep(100); // that it waits, most probably
    thread.interrupt();
    thread.join();
    assertThat(failures).hasSize(1).first().isInstanceOf(InterruptedException.class);
    assertThat(one.pool.usedBytes()).isZero();
    assertThat(stored).hasValue(0);
  }

  @Test
  void anInterruptedReadGivesItsClaimUp() throws Exception {
    storeDelay = Duration.ofSeconds(30);
    Instance one = new Instance("one", true, Optional.empty());
    Thread thread =
        Thread.ofVirtual()
            .start(
                () -> {
                  try {
                    one.load(shard);
                  } catch (InterruptedException | RuntimeException e) {
                    return;
                  }
                });
    RedisShardClaims claims = new RedisShardClaims(redis, prefix);
    List<ByteRange> whole = ChunkRuns.whole(shard.checksums());
    Duration lease = Duration.ofMinutes(1);
    while (!claims.renew("one-1", shard.digest(), whole, lease)) {
      Thread.sleep(5);
    }
    thread.interrupt();
    thread.join();
    // Long before its lease, which was just made a minute long, is over.
    long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
    while (claims.renew("one-1", shard.digest(), whole, lease)) {
      assertThat(System.nanoTime()).as("the claim is given up").isLessThan(deadline);
      Thread.sleep(5);
    }
  }

  @Test
  void partsOfAShardAreReadInAsFewRunsAsThereAre() throws Exception {
    Path disk = root.resolve("disk");
    Instance one = new Instance("one", false, Optional.of(disk));
    List<ByteRange> part =
        ChunkRuns.cover(
            shard.checksums(), List.of(new ByteRange(0, 1), new ByteRange(2L * CHUNK, 3L * CHUNK)));
    one.loader.load(OWNER, shard, part, n -> {});
    assertThat(stored).hasValue(4L * CHUNK);
    awaitFilled(disk, 4);
    one.unload();
    stored.set(0);
    ShardLoader.Loaded loaded =
        one.loader.load(OWNER, shard, ChunkRuns.whole(shard.checksums()), n -> {});
    assertThat(loaded.sources())
        .isEqualTo(Map.of("disk", 4L * CHUNK, "store", shard.size() - 4L * CHUNK));
    one.assertHolds(shard, bytes);
  }
}
