package io.sluice.bench.jmh;

import io.sluice.format.SafetensorsHeader;
import io.sluice.model.DType;
import io.sluice.model.TensorInfo;
import io.sluice.plan.PlanOptions;
import io.sluice.plan.PlanTensor;
import io.sluice.plan.ShardPlan;
import io.sluice.plan.ShardPlanner;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** The plan of an upload of 100,000 tensors of 1 MiB: cutting them, and writing a header. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 2, time = 2)
@Measurement(iterations = 3, time = 2)
@Fork(value = 1, jvmArgsAppend = "-XX:+UseSerialGC")
public class PlanBenchmark {
  private static final int TENSORS = 100_000;

  private List<PlanTensor> tensors;
  private List<TensorInfo> infos;

  @Setup
  public void make() {
    tensors = new ArrayList<>();
    infos = new ArrayList<>();
    for (int i = 0; i < TENSORS; i++) {
      TensorInfo info =
          new TensorInfo(
              "model.layers." + i / 7 + ".mlp.experts." + i % 7 + ".weight",
              DType.BF16,
              List.of(128L, 4096L));
      infos.add(info);
      tensors.add(new PlanTensor(i, info, OptionalInt.of(i / 7)));
    }
  }

  @Benchmark
  public ShardPlan bySize() {
    return ShardPlanner.plan(tensors, PlanOptions.DEFAULT);
  }

  @Benchmark
  public ShardPlan byLayer() {
    return ShardPlanner.plan(tensors, PlanOptions.byLayer(PlanOptions.DEFAULT_SHARD_BYTES));
  }

  @Benchmark
  public byte[] header() {
    return SafetensorsHeader.of(infos, Map.of()).toBytes();
  }
}
