package io.sluice.manifest;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.job.Job;
import io.sluice.job.JobContext;
import io.sluice.job.JobSettings;
import io.sluice.job.JobStore;
import io.sluice.job.Lease;
import io.sluice.job.Worker;
import io.sluice.job.WorkerRegistry;
import io.sluice.job.redis.RedisJobStore;
import io.sluice.job.redis.RedisWorkerRegistry;
import io.sluice.load.ChunkReader;
import io.sluice.load.LoadKind;
import io.sluice.load.LoadSpec;
import io.sluice.load.ShardLoader;
import io.sluice.memory.HeldShards;
import io.sluice.memory.SlabPool;
import io.sluice.model.Digest;
import io.sluice.model.Keys;
import io.sluice.model.ModelRef;
import io.sluice.plan.TensorGlobs;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A model of 100,000 tensors in 10,000 shards is planned: read from the store, placed on a hundred
 * workers, written to the job store, and the first task claimed. Bounds are generous, since
 * machines differ; the documentation says how long it takes.
 */
class LargePlanTest {
  private static final int TENSORS = 100_000;
  private static final int SHARDS = 10_000;
  private static final int WORKERS = 100;
  private static final int ROUNDS = 5;
  private static final long WORKER_BYTES = 128L << 30;

  @TempDir Path folder;

  @Test
  void aLargeLoadIsPlannedAndStoredAtOnce() {
    byte[] document = new ManifestCodec().encode(ManifestBenchmark.manifest(TENSORS, SHARDS));
    Digest version = Digest.sha256(document);
    try (TestBed bed = new TestBed(folder);
        SlabPool pool = new SlabPool(1 << 20)) {
      bed.store.putIfAbsent(Keys.manifest("large", version), MemorySegment.ofArray(document));
      JobStore jobs = new RedisJobStore(bed.redis, bed.prefix, JobSettings.defaults());
      WorkerRegistry workers =
          new RedisWorkerRegistry(bed.redis, bed.prefix, Duration.ofMinutes(10));
      for (int i = 0; i < WORKERS; i++) {
        workers.register(
            new Worker(
                "worker-" + i,
                "incarnation-" + i,
                "http://127.0.0.1:1",
                Instant.now(),
                WORKER_BYTES,
                WORKER_BYTES,
                0));
      }
      LoadSpec spec =
          new LoadSpec(
              ModelRef.parse("large@" + version), new TensorGlobs(List.of()), OptionalInt.empty());
      List<Long> millis = new ArrayList<>();
      for (int round = 0; round < ROUNDS; round++) {
        // Nothing is known from the round before.
        LoadKind kind = kind(bed, bed.manifests(bed.store, bed.index), workers, pool);
        String id = jobs.create(LoadKind.LOAD, spec.toJson(), Optional.empty());
        Lease.PlanLease lease = (Lease.PlanLease) jobs.claim(id, "worker-0", WORKER_BYTES);
        Planning planning = new Planning(jobs.get(id), workers);
        long start = System.nanoTime();
        assertThat(jobs.planned(lease, kind.plan(planning.job(), planning))).isTrue();
        assertThat(jobs.claim(id, "worker-0", WORKER_BYTES)).isInstanceOf(Lease.TaskLease.class);
        millis.add((System.nanoTime() - start) / 1_000_000);
        assertThat(jobs.get(id).progress().tasksTotal()).isEqualTo(SHARDS);
        jobs.cancel(id);
      }
      System.out.println("planned, stored and claimed in ms: " + millis);
      assertThat(millis.stream().mapToLong(ms -> ms).min().orElseThrow()).isLessThan(20_000);
    }
  }

  /** Twice the tensors and shards are at most two and a half times the memory. */
  @Test
  void memoryGrowsWithTheModelAndIsSmall() {
    long half = held(TENSORS / 2, SHARDS / 2);
    long whole = held(TENSORS, SHARDS);
    System.out.printf(
        "a manifest holds %,d KiB, of half the size %,d KiB%n", whole >> 10, half >> 10);
    assertThat(whole).isLessThan(half * 5 / 2).isLessThan(TENSORS * 1_024L);
  }

  /** Bytes of the heap that a manifest takes that was read from its document. */
  private static long held(int tensors, int shards) {
    ManifestCodec codec = new ManifestCodec();
    byte[] document = codec.encode(ManifestBenchmark.manifest(tensors, shards));
    long before = ManifestBenchmark.used();
    ModelManifest manifest = codec.decode(document);
    long after = ManifestBenchmark.used();
    assertThat(manifest.tensors()).hasSize(tensors);
    assertThat(document).isNotEmpty(); // counted before and after alike
    return after - before;
  }

  private static LoadKind kind(
      TestBed bed, ManifestRepository manifests, WorkerRegistry workers, SlabPool pool) {
    ShardLoader loader = new ShardLoader(new ChunkReader(bed.store, 4, 1), pool, new HeldShards());
    return new LoadKind(manifests, workers, loader, "incarnation-0", () -> {});
  }

  /** What a plan may ask. */
  private record Planning(Job job, WorkerRegistry registry) implements JobContext {
    @Override
    public String workerId() {
      return "worker-0";
    }

    @Override
    public JsonNode shared() {
      throw new IllegalStateException("not while planning");
    }

    @Override
    public List<Worker> workers() {
      return registry.live();
    }

    @Override
    public void addBytes(long bytes) {}

    @Override
    public boolean cancelled() {
      return false;
    }

    @Override
    public void check() {}
  }
}
