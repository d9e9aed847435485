package io.sluice.bench.jmh;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.sluice.job.TaskSpec;
import io.sluice.manifest.ManifestCodec;
import io.sluice.manifest.ModelManifest;
import io.sluice.model.ByteRange;
import io.sluice.placement.ChunkRuns;
import io.sluice.placement.Placements;
import io.sluice.placement.ShardSelection;
import io.sluice.plan.Placement;
import io.sluice.plan.PlacementPlanner;
import io.sluice.plan.TensorGlobs;
import io.sluice.plan.WorkerCapacity;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What lies between the bytes of a manifest with 100,000 tensors and 10,000 shards and the tasks of
 * a load: each step, and all of them.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = "-XX:+UseSerialGC")
public class ManifestBenchmark {
  private static final ManifestCodec CODEC = new ManifestCodec();

  @Param({"64", "1000"})
  public int workers;

  private ModelManifest manifest;
  private byte[] document;
  private List<WorkerCapacity> capacities;
  private Map<Integer, List<ByteRange>> wanted;

  @Setup
  public void make() {
    manifest = LargeManifest.make();
    document = CODEC.encode(manifest);
    long free = Math.ceilDiv(manifest.totalBytes(), workers) * 2 + (1L << 30);
    capacities = new ArrayList<>();
    for (int i = 0; i < workers; i++) {
      capacities.add(new WorkerCapacity("worker-" + i, free, Set.of()));
    }
    wanted = ShardSelection.runs(manifest, new TensorGlobs(List.of()));
  }

  @Benchmark
  public byte[] encode() {
    return CODEC.encode(manifest);
  }

  @Benchmark
  public ModelManifest decode() {
    return CODEC.decode(document);
  }

  @Benchmark
  public Map<Integer, List<ByteRange>> selectAll() {
    return ShardSelection.runs(manifest, new TensorGlobs(List.of()));
  }

  @Benchmark
  public Map<Integer, List<ByteRange>> selectByGlob() {
    return ShardSelection.runs(manifest, new TensorGlobs(List.of("model.layers.1*.up_proj.*")));
  }

  @Benchmark
  public Placement place() {
    return PlacementPlanner.place(
        Placements.needs(manifest, wanted), capacities, OptionalInt.empty());
  }

  @Benchmark
  public List<TaskSpec> readyToLoad() {
    ModelManifest read = CODEC.decode(document);
    Map<Integer, List<ByteRange>> runs = ShardSelection.runs(read, new TensorGlobs(List.of()));
    Placement placement =
        PlacementPlanner.place(Placements.needs(read, runs), capacities, OptionalInt.empty());
    Map<Integer, String> placed = new HashMap<>();
    placement
        .shardsByWorker()
        .forEach((worker, shards) -> shards.forEach(s -> placed.put(s, worker)));
    List<TaskSpec> tasks = new ArrayList<>();
    runs.forEach(
        (shard, ranges) ->
            tasks.add(
                new TaskSpec(
                    "shard-" + shard,
                    JsonNodeFactory.instance.objectNode().put("shard", shard),
                    ChunkRuns.bytes(ranges),
                    Optional.of(placed.get(shard)))));
    return tasks;
  }
}
