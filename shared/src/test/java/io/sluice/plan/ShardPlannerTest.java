package io.sluice.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.model.DType;
import io.sluice.model.InvalidValueException;
import io.sluice.model.TensorInfo;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ShardPlannerTest {
  private static final OptionalInt NO_LAYER = OptionalInt.empty();

  private static PlanTensor tensor(int index, String name, DType dtype, Long... shape) {
    return new PlanTensor(index, new TensorInfo(name, dtype, List.of(shape)), NO_LAYER);
  }

  private static PlanTensor bytes(int index, long bytes) {
    return tensor(index, "t" + index, DType.U8, 1L, bytes);
  }

  private static ShardPlan plan(PlanOptions options, PlanTensor... tensors) {
    return ShardPlanner.plan(List.of(tensors), options);
  }

  /** Tensor indexes of each shard, in the order in which they lie. */
  private static List<List<Integer>> indexes(ShardPlan plan) {
    return plan.shards().stream()
        .map(s -> s.pieces().stream().map(PlannedPiece::tensor).toList())
        .toList();
  }

  private static List<PlanTensor> random(long seed) {
    Random random = new Random(seed);
    DType[] dtypes = DType.values();
    List<PlanTensor> tensors = new ArrayList<>();
    int count = random.nextInt(60);
    for (int i = 0; i < count; i++) {
      DType dtype = dtypes[random.nextInt(dtypes.length)];
      int rank = random.nextInt(4);
      List<Long> shape = new ArrayList<>();
      for (int d = 0; d < rank; d++) {
        shape.add((long) random.nextInt(random.nextInt(10) == 0 ? 2000 : 12));
      }
      // A dtype of blocks needs whole blocks in total, not in each row.
      int block = dtype.blockElements();
      if (block > 1) {
        if (shape.isEmpty() || random.nextBoolean()) {
          shape.add((long) block);
        } else {
          shape.set(0, shape.getFirst() * block);
        }
      }
      OptionalInt layer = random.nextInt(3) == 0 ? NO_LAYER : OptionalInt.of(random.nextInt(5));
      tensors.add(new PlanTensor(i, new TensorInfo("layer.t" + i, dtype, shape), layer));
    }
    return tensors;
  }

  private static PlanOptions randomOptions(long seed, List<PlanTensor> tensors) {
    Random random = new Random(~seed);
    long bytes = tensors.stream().mapToLong(t -> t.info().bytes()).sum();
    // Few enough shards for the bound on their number.
    long shardBytes = Math.max(1024L << random.nextInt(6), bytes / 10_000);
    return switch (random.nextInt(3)) {
      case 0 -> PlanOptions.bySize(shardBytes);
      case 1 -> PlanOptions.byLayer(shardBytes);
      default -> PlanOptions.byCount(1 + random.nextInt(40));
    };
  }

  @Test
  void everyByteOfEveryTensorLiesInExactlyOnePlace() {
    for (long seed = 0; seed < 2000; seed++) {
      List<PlanTensor> tensors = random(seed);
      PlanOptions options = randomOptions(seed, tensors);
      ShardPlan plan = ShardPlanner.plan(tensors, options);
      String what = "seed " + seed + " " + options;

      assertThat(ShardPlanner.plan(tensors, options)).as(what).isEqualTo(plan);
      Map<Integer, TreeMap<Long, PlannedPiece>> byTensor = new HashMap<>();
      for (int i = 0; i < plan.shards().size(); i++) {
        PlannedShard shard = plan.shards().get(i);
        assertThat(shard.index()).as(what).isEqualTo(i);
        assertThat(shard.pieces()).as(what).isNotEmpty();
        long offset = 0;
        int alignment = 8;
        int tensor = -1;
        for (PlannedPiece piece : shard.pieces()) {
          DType dtype = tensors.get(piece.tensor()).info().dtype();
          assertThat(piece.dataOffset()).as(what).isEqualTo(offset);
          assertThat(offset % dtype.alignment()).as(what).isZero();
          assertThat(dtype.alignment()).as(what).isLessThanOrEqualTo(alignment);
          if (dtype.alignment() < alignment) {
            tensor = -1;
          }
          assertThat(piece.tensor()).as(what).isGreaterThan(tensor);
          tensor = piece.tensor();
          alignment = dtype.alignment();
          offset += piece.length();
          assertThat(
                  byTensor
                      .computeIfAbsent(piece.tensor(), t -> new TreeMap<>())
                      .put(piece.tensorOffset(), piece))
              .as(what)
              .isNull();
        }
        assertThat(shard.dataBytes()).as(what).isEqualTo(offset);
        if (options.strategy() != PlanStrategy.COUNT && shard.dataBytes() > options.shardBytes()) {
          // Only what cannot be cut is larger than a shard: a tensor or a row of one.
          assertThat(shard.pieces()).as(what).hasSize(1);
          PlannedPiece only = shard.pieces().getFirst();
          assertThat(only.rows() == 1 || !tensors.get(only.tensor()).splits()).as(what).isTrue();
        }
      }
      for (PlanTensor tensor : tensors) {
        long offset = 0;
        long row = 0;
        for (PlannedPiece piece : byTensor.getOrDefault(tensor.index(), new TreeMap<>()).values()) {
          assertThat(piece.tensorOffset()).as(what).isEqualTo(offset);
          assertThat(piece.firstRow()).as(what).isEqualTo(row);
          assertThat(piece.rows()).as(what).isPositive();
          assertThat(piece.length()).as(what).isPositive();
          assertThat(piece.length() % tensor.info().dtype().blockBytes()).as(what).isZero();
          offset += piece.length();
          row += piece.rows();
        }
        assertThat(offset).as(what).isEqualTo(tensor.info().bytes());
        assertThat(row)
            .as(what)
            .isEqualTo(tensor.info().elements() == 0 ? 0 : tensor.info().rows());
      }
    }
  }

  @Test
  void piecesLieByAlignmentThenInSourceOrder() {
    ShardPlan plan =
        plan(
            PlanOptions.DEFAULT,
            tensor(0, "a", DType.U8, 3L),
            tensor(1, "b", DType.F16, 3L),
            tensor(2, "c", DType.F64, 1L),
            tensor(3, "d", DType.BF16, 1L),
            tensor(4, "e", DType.C64, 1L),
            tensor(5, "f", DType.I8));
    assertThat(indexes(plan)).containsExactly(List.of(2, 4, 1, 3, 0, 5));
    assertThat(plan.shards().getFirst().pieces().get(2))
        .isEqualTo(new PlannedPiece(1, 0, 3, 0, 6, 16));
  }

  @Test
  void aTensorLargerThanAShardIsCutIntoNearEqualRowBlocksOfItsOwn() {
    ShardPlan plan =
        plan(
            PlanOptions.bySize(1024),
            bytes(0, 10),
            tensor(1, "big", DType.F32, 7L, 100L),
            bytes(2, 10));
    assertThat(indexes(plan))
        .containsExactly(List.of(0), List.of(1), List.of(1), List.of(1), List.of(1), List.of(2));
    assertThat(plan.shards().subList(1, 5).stream().map(s -> s.pieces().getFirst().rows()))
        .containsExactly(2L, 2L, 2L, 1L);
  }

  @Test
  void aRowLargerThanAShardStaysWhole() {
    ShardPlan plan = plan(PlanOptions.bySize(1024), tensor(0, "big", DType.F32, 2L, 1000L));
    assertThat(plan.shards()).extracting(PlannedShard::dataBytes).containsExactly(4000L, 4000L);
  }

  @Test
  void blocksAreNeverCut() {
    assertThat(
            plan(
                    PlanOptions.bySize(1024),
                    tensor(0, "scalar rows", DType.F4, 4096L),
                    tensor(1, "half blocks", DType.Q4_0, 128L, 48L),
                    tensor(2, "whole blocks", DType.Q4_0, 64L, 64L))
                .shards())
        .extracting(PlannedShard::dataBytes)
        .containsExactly(2048L, 128L * 48 / 32 * 18, 792L, 756L, 756L);
  }

  @Test
  void tensorsOfNoBytesGetNoPiece() {
    assertThat(plan(PlanOptions.DEFAULT, tensor(0, "none", DType.F32, 5L, 0L)).shards()).isEmpty();
    assertThat(plan(PlanOptions.byCount(3)).shards()).isEmpty();
    assertThat(plan(PlanOptions.byLayer(1024)).shards()).isEmpty();
  }

  @Test
  void shardsEndBeforeLargeTensorsWhenTheyCan() {
    ShardPlan plan =
        plan(
            PlanOptions.bySize(1024),
            bytes(0, 300),
            bytes(1, 20),
            bytes(2, 600),
            bytes(3, 300),
            bytes(4, 512),
            bytes(5, 20));
    assertThat(indexes(plan)).containsExactly(List.of(0, 1), List.of(2, 3), List.of(4, 5));
  }

  /** The names of real checkpoints differ in a few digits only. */
  private static List<PlanTensor> thousandSmall() {
    Random random = new Random(1);
    List<PlanTensor> tensors = new ArrayList<>();
    for (int i = 0; i < 1000; i++) {
      String name = "model.layers." + i / 10 + ".part." + i % 10 + ".weight";
      tensors.add(tensor(i + 1, name, DType.U8, 1L, 500L + random.nextInt(1000)));
    }
    return tensors;
  }

  private static double kept(List<PlanTensor> before, List<PlanTensor> after, PlanOptions options) {
    Set<List<Object>> old = new HashSet<>();
    ShardPlanner.plan(before, options).shards().forEach(s -> old.add(content(s, before)));
    long same = 0;
    ShardPlan plan = ShardPlanner.plan(after, options);
    for (PlannedShard shard : plan.shards()) {
      same += old.contains(content(shard, after)) ? shard.dataBytes() : 0;
    }
    return same / (double) plan.dataBytes();
  }

  private static List<Object> content(PlannedShard shard, List<PlanTensor> tensors) {
    Map<Integer, String> names = new HashMap<>();
    tensors.forEach(t -> names.put(t.index(), t.info().name()));
    return shard.pieces().stream().<Object>map(p -> names.get(p.tensor()) + p.firstRow()).toList();
  }

  @Test
  void anInsertedOrDroppedTensorLeavesNearlyAllShardsAsTheyWere() {
    List<PlanTensor> tensors = thousandSmall();
    PlanOptions options = PlanOptions.bySize(16 << 10);
    double worst = 1;
    for (int i = 0; i < 200; i++) {
      List<PlanTensor> longer = new ArrayList<>(tensors);
      longer.addFirst(tensor(0, "extra." + i, DType.U8, 1L, 100L + 40 * i));
      worst = Math.min(worst, kept(tensors, longer, options));
      worst = Math.min(worst, kept(longer, tensors, options));
      longer.addFirst(longer.remove(i * 5 + 1));
      longer.removeFirst();
      worst = Math.min(worst, kept(tensors, longer, options));
    }
    assertThat(worst).isGreaterThan(0.9);
  }

  @Test
  void shardsAreHalfFullOnAverage() {
    ShardPlan plan = ShardPlanner.plan(thousandSmall(), PlanOptions.bySize(16 << 10));
    assertThat(plan.dataBytes() / (double) plan.shards().size() / (16 << 10)).isBetween(0.5, 1.0);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 7, 10, 100})
  void countGivesExactlyThatManyBalancedShards(int count) {
    ShardPlan plan = ShardPlanner.plan(thousandSmall(), PlanOptions.byCount(count));
    double ideal = plan.dataBytes() / (double) count;
    assertThat(plan.shards()).hasSize(count);
    assertThat(plan.shards().stream().mapToDouble(s -> s.dataBytes() / ideal))
        .allSatisfy(share -> assertThat(share).isBetween(0.8, 1.2));
  }

  @Test
  void countCutsOneLargeTensorByRows() {
    ShardPlan plan = plan(PlanOptions.byCount(4), tensor(0, "big", DType.F32, 1000L, 10L));
    assertThat(plan.shards()).extracting(PlannedShard::dataBytes).containsOnly(10_000L);
  }

  @Test
  void countGivesAsManyShardsAsThereAreRowsIfThoseAreFewer() {
    PlanTensor[] tensors = {bytes(0, 1000), tensor(1, "rows", DType.U8, 3L, 2L), bytes(2, 1)};
    assertThat(plan(PlanOptions.byCount(100), tensors).shards()).hasSize(5);
    assertThat(plan(PlanOptions.byCount(4), tensors).shards())
        .extracting(PlannedShard::dataBytes)
        .containsExactly(1000L, 2L, 2L, 3L);
    assertThat(plan(PlanOptions.byCount(4), tensors[1], tensors[0]).shards()).hasSize(4);
  }

  @Test
  void countIsExactOnRandomModels() {
    for (long seed = 0; seed < 2000; seed++) {
      List<PlanTensor> tensors = random(seed);
      long units = 0;
      for (PlanTensor t : tensors) {
        units += t.info().elements() == 0 ? 0 : t.splits() ? t.info().rows() : 1;
      }
      int count = 1 + new Random(seed).nextInt(50);
      assertThat(ShardPlanner.plan(tensors, PlanOptions.byCount(count)).shards())
          .as("seed " + seed)
          .hasSize((int) Math.min(units, count));
    }
  }

  @Test
  void layersGoTogetherInOrderOfTheirNumbers() {
    OptionalInt[] layers = {
      NO_LAYER,
      OptionalInt.of(0),
      OptionalInt.of(10),
      NO_LAYER,
      OptionalInt.of(2),
      OptionalInt.of(0),
      NO_LAYER
    };
    List<PlanTensor> tensors = new ArrayList<>();
    for (int i = 0; i < layers.length; i++) {
      tensors.add(new PlanTensor(i, new TensorInfo("t" + i, DType.F32, List.of(10L)), layers[i]));
    }
    assertThat(indexes(ShardPlanner.plan(tensors, PlanOptions.byLayer(1024))))
        .containsExactly(List.of(0), List.of(1, 5), List.of(4), List.of(2), List.of(3, 6));
  }

  @Test
  void aLayerLargerThanAShardIsCutFurther() {
    List<PlanTensor> tensors = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      tensors.add(
          new PlanTensor(
              i, new TensorInfo("t" + i, DType.U8, List.of(1L, 400L)), OptionalInt.of(i % 2)));
    }
    ShardPlan plan = ShardPlanner.plan(tensors, PlanOptions.byLayer(1024));
    assertThat(plan.shards().size()).isGreaterThanOrEqualTo(4);
    assertThat(plan.shards())
        .allSatisfy(
            s -> assertThat(s.pieces().stream().map(p -> p.tensor() % 2).distinct()).hasSize(1));
  }

  @Test
  void aHundredThousandTensorsTakeNoTimeThatGrowsWithTheirSquare() {
    List<PlanTensor> tensors = new ArrayList<>();
    for (int i = 0; i < 100_000; i++) {
      tensors.add(
          new PlanTensor(
              i,
              new TensorInfo("model.layers." + i + ".weight", DType.BF16, List.of(64L, 64L)),
              OptionalInt.of(i / 10)));
    }
    for (PlanOptions options :
        List.of(
            PlanOptions.bySize(1 << 20), PlanOptions.byCount(1000), PlanOptions.byLayer(1 << 20))) {
      long best = Long.MAX_VALUE;
      for (int i = 0; i < 3; i++) {
        long start = System.nanoTime();
        assertThat(ShardPlanner.plan(tensors, options).shards()).isNotEmpty();
        best = Math.min(best, System.nanoTime() - start);
      }
      // some 20 ms; 10^10 steps would take many seconds on any machine
      assertThat(Duration.ofNanos(best)).as("%s", options).isLessThan(Duration.ofSeconds(2));
    }
  }

  @Test
  void boundsAreChecked() {
    assertThatThrownBy(() -> PlanOptions.bySize(1023))
        .isInstanceOf(InvalidValueException.class)
        .hasMessageContaining("shardBytes")
        .hasMessageContaining("1023");
    assertThatThrownBy(() -> PlanOptions.byCount(0)).hasMessageContaining("count");
    assertThatThrownBy(() -> PlanOptions.byCount(100_001)).hasMessageContaining("100001");
    assertThatThrownBy(() -> new PlanOptions(PlanStrategy.SIZE, 1024, OptionalInt.empty(), 1 << 15))
        .hasMessageContaining("chunkBytes");
    assertThatThrownBy(() -> new PlanOptions(PlanStrategy.SIZE, 1024, OptionalInt.of(3), 1 << 20))
        .hasMessageContaining("count 3");
    assertThatThrownBy(
            () -> new PlanOptions(PlanStrategy.COUNT, 1024, OptionalInt.empty(), 1 << 20))
        .hasMessageContaining("without count");
    assertThatThrownBy(() -> PlanStrategy.parse("SIZE")).hasMessageContaining("size, count, layer");
    assertThat(PlanStrategy.parse("layer")).isEqualTo(PlanStrategy.LAYER);
    assertThatThrownBy(() -> plan(PlanOptions.DEFAULT, bytes(1, 1), bytes(1, 1)))
        .isInstanceOf(InvalidValueException.class);
  }

  @Test
  void hugeTensorsAreRefusedBeforeAnythingIsPlanned() {
    long half = Long.MAX_VALUE / 2;
    assertThatThrownBy(() -> plan(PlanOptions.bySize(1024), tensor(0, "huge", DType.U8, half)))
        .isInstanceOf(InvalidValueException.class)
        .hasMessageContaining("100000");
    assertThatThrownBy(
            () ->
                plan(
                    PlanOptions.DEFAULT,
                    tensor(0, "a", DType.U8, half),
                    tensor(1, "b", DType.U8, half),
                    tensor(2, "c", DType.U8, half)))
        .isInstanceOf(InvalidValueException.class)
        .hasMessageContaining("2^63");
    assertThat(plan(PlanOptions.byCount(7), tensor(0, "huge", DType.U8, half)).shards()).hasSize(7);
  }
}
