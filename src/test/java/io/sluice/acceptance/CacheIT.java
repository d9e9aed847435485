package io.sluice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Where the bytes of a load come from when somebody nearer than the store has them. */
class CacheIT {
  private static final int SHARDS = 16;
  private static final int SHARD = 2 << 20;
  private static final String MODEL = "cache/model";
  private static final String READ = "sluice_store_bytes_total{operation=\"read\"";

  private static Stack stack;
  private static String source;
  private static int clusters;

  @BeforeAll
  static void start() {
    stack = Stack.start();
    source =
        stack
            .write(
                "cache",
                Map.of(
                    "model.safetensors", SafetensorsFile.write(Models.uniform(71, SHARDS, SHARD))))
            .toUri()
            .toString();
  }

  @AfterAll
  static void stop() {
    stack.close();
  }

  /**
   * What makes workers read from the store although somebody nearer has the bytes is being slow:
   * these tests count bytes, so nobody is impatient here.
   */
  private static final Map<String, String> PATIENT =
      Map.of(
          "SLUICE_LOAD_HEDGES", "0",
          "SLUICE_CACHE_PEER_CONNECT_TIMEOUT", "60s",
          "SLUICE_CACHE_PEER_TIMEOUT", "2m",
          "SLUICE_CACHE_PEER_LEASE", "2m",
          "SLUICE_CACHE_PEER_WAIT_LIMIT", "3m",
          "SLUICE_CACHE_REDIS_TIMEOUT", "60s",
          "SLUICE_CACHE_MEMCACHED_CONNECT_TIMEOUT", "60s",
          "SLUICE_CACHE_MEMCACHED_TIMEOUT", "60s");

  /** Workers with a model in their store that none of them has loaded. */
  private static Cluster cluster(int workers, Map<String, String> settings) {
    Map<String, String> all = new HashMap<>(PATIENT);
    all.putAll(settings);
    Cluster cluster = Cluster.start(stack, "cache-" + ++clusters, workers, 256L << 20, all);
    cluster.api().upload(source, MODEL, "shards", SHARDS, "chunkBytes", 1 << 20);
    return cluster;
  }

  private static long storeBytes(Cluster cluster) {
    return (long) cluster.metric(READ);
  }

  private static long size(Cluster cluster) {
    return cluster.api().model(MODEL).get("S").longValue();
  }

  private static Map<String, Long> sources(JsonNode load) {
    Map<String, Long> sources = new HashMap<>();
    load.get("sources")
        .properties()
        .forEach(e -> sources.put(e.getKey(), e.getValue().longValue()));
    return sources;
  }

  /** Every shard on so many different workers, and every sum right. */
  private static void assertReplicas(JsonNode load, int replicas, Set<String> alive) {
    Map<Integer, Set<String>> workersOf = new HashMap<>();
    Map<String, Long> bySource = new HashMap<>();
    long bytes = 0;
    for (JsonNode worker : load.get("workers")) {
      assertThat(alive).contains(worker.get("id").textValue());
      long ofWorker = 0;
      for (JsonNode shard : worker.get("shards")) {
        ofWorker += shard.get("bytes").longValue();
        assertThat(
                workersOf
                    .computeIfAbsent(shard.get("index").intValue(), s -> new HashSet<>())
                    .add(worker.get("id").textValue()))
            .isTrue();
        shard
            .get("sources")
            .properties()
            .forEach(e -> bySource.merge(e.getKey(), e.getValue().longValue(), Long::sum));
      }
      assertThat(worker.get("bytes").longValue()).isEqualTo(ofWorker);
      bytes += ofWorker;
    }
    assertThat(workersOf).hasSize(SHARDS);
    assertThat(workersOf.values()).allSatisfy(w -> assertThat(w).hasSize(replicas));
    assertThat(load.get("N").intValue()).isEqualTo(SHARDS * replicas);
    assertThat(load.get("L").longValue())
        .isEqualTo(bytes)
        .isEqualTo(replicas * load.get("S").longValue());
    assertThat(sources(load)).isEqualTo(bySource);
  }

  @Test
  void aWarmWorkerReadsNothingAndAColdOneBesideItNextToNothing() {
    Cluster cluster = cluster(1, Map.of());
    long size = size(cluster);
    JsonNode first = cluster.api().load(MODEL);
    assertThat(sources(first)).isEqualTo(Map.of("store", size));

    long before = storeBytes(cluster);
    JsonNode second = cluster.api().load(MODEL);
    assertThat(sources(second)).isEqualTo(Map.of("memory", size));
    assertThat(storeBytes(cluster)).as("a second load on a warm worker").isEqualTo(before);

    cluster.startWorkers(1);
    JsonNode all = cluster.api().load(MODEL, "replicas", "all");
    assertReplicas(all, 2, cluster.api().workers().keySet());
    assertThat(sources(all)).isEqualTo(Map.of("memory", size, "peer", size));
    double cold = cluster.workers().getLast().api().metric(READ);
    System.out.printf(
        "[measured] cold worker beside a warm one: %.2f %% of the bytes from the store%n",
        100 * cold / size);
    assertThat(cold).as("bytes that the cold worker read from the store").isLessThan(0.02 * size);
    assertThat(storeBytes(cluster) - before).isLessThan((long) (0.02 * size));
    double served = cluster.workers().getFirst().api().metric("sluice_peer_served_bytes_total");
    assertThat(served).isGreaterThanOrEqualTo(size);

    // The holder dies with what it held: the other one still has everything.
    cluster.workers().getFirst().kill();
    cluster.awaitOnlyLiving();
    long left = storeBytes(cluster);
    JsonNode after = cluster.api().load(MODEL, "replicas", "all");
    assertReplicas(after, 1, cluster.api().workers().keySet());
    assertThat(sources(after)).isEqualTo(Map.of("memory", size));
    assertThat(storeBytes(cluster)).isEqualTo(left);
    cluster.close();
  }

  @Test
  void eightWorkersThatLoadOneModelCostTheStoreAboutOneRead() {
    Cluster cluster = cluster(8, Map.of());
    long size = size(cluster);
    long before = storeBytes(cluster);
    JsonNode load = cluster.api().load(MODEL, "replicas", "all");
    assertReplicas(load, 8, cluster.api().workers().keySet());
    double read = (double) (storeBytes(cluster) - before) / size;
    System.out.printf(
        "[measured] 8 workers, replicas all: the store gave %.3f x S; sources %s%n",
        read, sources(load));
    assertThat(read).as("bytes from the store, in S").isLessThanOrEqualTo(1.15);
    assertThat(sources(load).get("peer")).isGreaterThanOrEqualTo((long) (6.85 * size));
    // Every one of them has the right bytes: statistics do not tell the copies apart.
    cluster.unloadAll();
    cluster.close();
  }

  @Test
  void replicasAreOnThatManyWorkersAndMoreThanThereAreAreRefused() {
    Cluster cluster = cluster(3, Map.of());
    JsonNode two = cluster.api().load(MODEL, "replicas", 2);
    assertReplicas(two, 2, cluster.api().workers().keySet());
    JsonNode request = Api.object("model", MODEL, "replicas", 4);
    JsonNode problem = Api.problem(cluster.api().post("/load", request), 400, "placement-invalid");
    assertThat(problem.get("detail").textValue()).contains("which is 3", "got 4");
    Api.problem(
        cluster.api().post("/load", Api.object("model", MODEL, "replicas", "some")),
        400,
        "field-invalid");
    cluster.workers().getLast().kill();
    cluster.awaitOnlyLiving();
    JsonNode again = cluster.api().load(MODEL, "replicas", 2);
    assertReplicas(again, 2, cluster.api().workers().keySet());
    cluster.close();
  }

  @Test
  void processesOfOneMachineShareTheirDisk(@TempDir Path disk) {
    Cluster cluster =
        cluster(
            2,
            Map.of("SLUICE_CACHE_TIERS", "memory,disk", "SLUICE_CACHE_DISK_ROOT", disk.toString()));
    long size = size(cluster);
    assertThat(sources(cluster.api().load(MODEL))).isEqualTo(Map.of("store", size));
    awaitFilled(cluster, "disk", size);
    cluster.unloadAll();
    long before = storeBytes(cluster);
    assertThat(sources(cluster.api().load(MODEL))).isEqualTo(Map.of("disk", size));
    assertThat(storeBytes(cluster)).isEqualTo(before);
    // Each of them finds what the other one has put there.
    cluster.unloadAll();
    JsonNode all = cluster.api().load(MODEL, "replicas", "all");
    assertThat(sources(all)).isEqualTo(Map.of("disk", 2 * size));
    cluster.close();
  }

  @Test
  void hotChunksInARedisOfTheirOwn() {
    String url = stack.endpoints().redisUrl().replaceFirst("/$", "") + "/5";
    Cluster cluster =
        cluster(2, Map.of("SLUICE_CACHE_TIERS", "memory,redis", "SLUICE_CACHE_REDIS_URL", url));
    hotChunks(cluster, "redis");
    cluster.close();
  }

  @Test
  void hotChunksInMemcachedAndNoneWhenItIsDead() throws InterruptedException {
    if ("true".equals(System.getenv("SLUICE_REQUIRE_MEMCACHED"))) {
      assertThat(memcached()).as("memcached, which the environment demands").isPresent();
    }
    assumeThat(memcached())
        .as("SKIPPED: there is no memcached on the PATH; install it to test the cache")
        .isPresent();
    int port = Ports.free(1);
    Process server = startMemcached(port);
    try {
      Cluster cluster =
          cluster(
              2,
              Map.of(
                  "SLUICE_CACHE_TIERS",
                  "memory,memcached",
                  "SLUICE_CACHE_MEMCACHED_SERVERS",
                  "127.0.0.1:" + port));
      long size = hotChunks(cluster, "memcached");
      server.destroyForcibly().waitFor(10, TimeUnit.SECONDS);
      cluster.unloadAll();
      assertThat(sources(cluster.api().load(MODEL))).isEqualTo(Map.of("store", size));
      cluster.close();
    } finally {
      server.destroyForcibly();
    }
  }

  /** Loaded once from the store, and then from the cache, by other workers too. */
  private static long hotChunks(Cluster cluster, String tier) {
    long size = size(cluster);
    assertThat(sources(cluster.api().load(MODEL))).isEqualTo(Map.of("store", size));
    awaitFilled(cluster, tier, size);
    cluster.unloadAll();
    long before = storeBytes(cluster);
    JsonNode all = cluster.api().load(MODEL, "replicas", "all");
    assertThat(sources(all)).isEqualTo(Map.of(tier, 2 * size));
    assertThat(storeBytes(cluster)).isEqualTo(before);
    return size;
  }

  private static void awaitFilled(Cluster cluster, String tier, long bytes) {
    // The order of labels in the metrics is that of their names.
    String line = "sluice_cache_bytes_total{direction=\"written\",tier=\"" + tier + "\"";
    Await.untilTrue(tier + " to be filled", () -> cluster.metric(line) >= bytes);
  }

  private static Optional<Path> memcached() {
    return Stream.of(System.getenv("PATH").split(":"))
        .map(folder -> Path.of(folder, "memcached"))
        .filter(Files::isExecutable)
        .findFirst();
  }

  private static Process startMemcached(int port) {
    try {
      Process process =
          new ProcessBuilder(
                  List.of(
                      memcached().orElseThrow().toString(),
                      "-l",
                      "127.0.0.1",
                      "-p",
                      Integer.toString(port),
                      "-U",
                      "0",
                      "-u",
                      System.getProperty("user.name"),
                      "-I",
                      "64m",
                      "-m",
                      "256"))
              .inheritIO()
              .start();
      Await.untilTrue(
          "memcached to listen",
          () -> {
            assertThat(process.isAlive()).as("memcached is there").isTrue();
            try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
              return socket.isConnected();
            } catch (IOException e) {
              return false;
            }
          });
      return process;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
