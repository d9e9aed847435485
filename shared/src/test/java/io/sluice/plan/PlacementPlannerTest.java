package io.sluice.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.model.Digest;
import io.sluice.model.ErrorKind;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PlacementPlannerTest {
  private static final OptionalInt ANY = OptionalInt.empty();

  private static Digest digest(int shard) {
    return new Digest(String.format("%064x", shard));
  }

  private static List<ShardNeed> needs(long... bytes) {
    return IntStream.range(0, bytes.length)
        .mapToObj(i -> new ShardNeed(i, digest(i), bytes[i]))
        .toList();
  }

  private static WorkerCapacity worker(String id, long free, Integer... held) {
    Set<Digest> digests = new HashSet<>();
    Arrays.stream(held).forEach(i -> digests.add(digest(i)));
    return new WorkerCapacity(id, free, digests);
  }

  @Test
  void spreadsOverAllWorkersWithoutABound() {
    Placement placement =
        PlacementPlanner.place(
            needs(5, 4, 3, 3, 3), List.of(worker("b", 100), worker("a", 100)), ANY);
    assertThat(placement.shardsByWorker())
        .isEqualTo(Map.of("a", List.of(0, 3), "b", List.of(1, 2, 4)));
    assertThat(placement.nodes()).isEqualTo(2);
    assertThat(placement.tasks()).isEqualTo(5);
    assertThat(placement.tasksPerNode()).isEqualTo(3);
  }

  @Test
  void heldShardsStayAndCostNothing() {
    Placement placement =
        PlacementPlanner.place(
            needs(50, 60, 10), List.of(worker("a", 10), worker("b", 0, 0, 1)), ANY);
    assertThat(placement.shardsByWorker()).isEqualTo(Map.of("a", List.of(2), "b", List.of(0, 1)));
  }

  @Test
  void aBoundChoosesExactlyAsManyNodesAndPrefersHolders() {
    List<WorkerCapacity> workers =
        List.of(worker("a", 100), worker("b", 500), worker("c", 100, 2), worker("d", 400));
    Placement placement = PlacementPlanner.place(needs(9, 9, 9), workers, OptionalInt.of(2));
    assertThat(placement.shardsByWorker()).isEqualTo(Map.of("b", List.of(0, 1), "c", List.of(2)));
    assertThat(placement.nodes()).isEqualTo(2);
    assertThat(placement.tasksPerNode()).isEqualTo(2);
  }

  @Test
  void anotherSetOfNodesIsTriedWhenHoldersHaveNoRoom() {
    List<WorkerCapacity> workers = List.of(worker("a", 0, 0), worker("b", 100));
    Placement placement = PlacementPlanner.place(needs(5, 90), workers, OptionalInt.of(2));
    assertThat(placement.shardsByWorker()).isEqualTo(Map.of("b", List.of(0, 1)));
  }

  @Test
  void packsWhereTheLongestFirstRuleFindsNoFit() {
    // Most room first puts the 6 on "a" and leaves no place for the 10.
    Placement placement =
        PlacementPlanner.place(needs(6, 5, 5), List.of(worker("a", 10), worker("b", 6)), ANY);
    assertThat(placement.shardsByWorker()).isEqualTo(Map.of("a", List.of(1, 2), "b", List.of(0)));
  }

  @Test
  void whatDoesNotFitIsRefusedWithItsNumbers() {
    assertThatThrownBy(
            () ->
                PlacementPlanner.place(
                    needs(70, 30, 20), List.of(worker("a", 60), worker("b", 30, 1)), ANY))
        .isInstanceOfSatisfying(
            PlacementException.class,
            e -> {
              assertThat(e.kind()).isEqualTo(ErrorKind.CAPACITY);
              assertThat(e.code()).isEqualTo("placement-does-not-fit");
              assertThat(e)
                  .hasMessageContaining("need 90 bytes")
                  .hasMessageContaining("90 bytes are free")
                  .hasMessageContaining("largest shard 70")
                  .hasMessageContaining("2 workers")
                  .hasMessageContaining("most on one 60");
            });
    assertThatThrownBy(() -> PlacementPlanner.place(needs(1), List.of(), ANY))
        .hasMessageContaining("0 workers");
  }

  @Test
  void badRequestsAreInvalid() {
    List<WorkerCapacity> one = List.of(worker("a", 100));
    for (OptionalInt bound : List.of(OptionalInt.of(0), OptionalInt.of(-1), OptionalInt.of(1))) {
      assertThatThrownBy(() -> PlacementPlanner.place(needs(1, 1), one, bound))
          .isInstanceOfSatisfying(
              PlacementException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.INVALID));
    }
    assertThatThrownBy(
            () -> PlacementPlanner.place(needs(1), List.of(worker("a", 1), worker("a", 1)), ANY))
        .hasMessageContaining("'a' is named twice");
    ShardNeed need = needs(1).getFirst();
    assertThatThrownBy(() -> PlacementPlanner.place(List.of(need, need), one, ANY))
        .hasMessageContaining("shard 0");
  }

  @Test
  void nothingToPlaceIsFine() {
    assertThat(PlacementPlanner.place(List.of(), List.of(), ANY))
        .isEqualTo(new Placement(Map.of(), 0, 0, 0));
  }

  /** Fits that exist by construction, with room to spare, are found; every answer is valid. */
  @Test
  void easyFitsAreFoundAndAnswersAreValid() {
    for (long seed = 0; seed < 500; seed++) {
      Random random = new Random(seed);
      int workerCount = 1 + random.nextInt(8);
      int bound = 1 + random.nextInt(6);
      List<ShardNeed> needs = new ArrayList<>();
      List<WorkerCapacity> workers = new ArrayList<>();
      for (int w = 0; w < workerCount; w++) {
        long used = 0;
        long largest = 0;
        Set<Digest> held = new HashSet<>();
        // The last worker may have fewer tasks, so that the bound needs all of them.
        int tasks = w == workerCount - 1 ? 1 + random.nextInt(bound) : bound;
        for (int i = 0; i < tasks; i++) {
          long bytes = 1 + random.nextInt(1000);
          int shard = needs.size();
          needs.add(new ShardNeed(shard, digest(shard), bytes));
          used += bytes;
          largest = Math.max(largest, bytes);
          if (random.nextInt(4) == 0) {
            held.add(digest(shard));
          }
        }
        workers.add(new WorkerCapacity("w" + w, used + 3000, held));
      }
      Collections.shuffle(needs, random);
      OptionalInt asked = random.nextBoolean() ? OptionalInt.of(bound) : ANY;
      Placement placement = PlacementPlanner.place(needs, workers, asked);
      Collections.shuffle(needs, random);
      Collections.shuffle(workers, random);
      assertThat(PlacementPlanner.place(needs, workers, asked)).isEqualTo(placement);
      check(placement, needs, workers, asked);
    }
  }

  private static void check(
      Placement placement, List<ShardNeed> needs, List<WorkerCapacity> workers, OptionalInt asked) {
    List<Integer> placed = new ArrayList<>();
    for (WorkerCapacity worker : workers) {
      long cost = 0;
      List<Integer> shards = placement.shardsByWorker().getOrDefault(worker.id(), List.of());
      for (ShardNeed need : needs) {
        if (shards.contains(need.shard()) && !worker.held().contains(need.digest())) {
          cost += need.bytes();
        }
      }
      assertThat(cost).isLessThanOrEqualTo(worker.freeBytes());
      assertThat(shards).isSorted().hasSizeLessThanOrEqualTo(placement.tasksPerNode());
      placed.addAll(shards);
    }
    assertThat(placed).hasSize(needs.size()).doesNotHaveDuplicates();
    assertThat(placement.shardsByWorker()).hasSize(placement.nodes());
    if (asked.isPresent()) {
      assertThat(placement.nodes()).isEqualTo(Math.ceilDiv(needs.size(), asked.getAsInt()));
    }
  }

  @Test
  void copiesGoToDifferentWorkers() {
    List<WorkerCapacity> workers = List.of(worker("a", 100), worker("b", 100), worker("c", 100, 1));
    Placement two = PlacementPlanner.place(needs(10, 20, 30), workers, ANY, 2);
    assertThat(two.tasks()).isEqualTo(6);
    for (int shard = 0; shard < 3; shard++) {
      int index = shard;
      assertThat(two.shardsByWorker().values().stream().filter(s -> s.contains(index))).hasSize(2);
    }
    assertThat(two.shardsByWorker().get("c")).as("the holder").contains(1);
    Placement all = PlacementPlanner.place(needs(10, 20, 30), workers, ANY, 3);
    assertThat(all.shardsByWorker())
        .isEqualTo(Map.of("a", List.of(0, 1, 2), "b", List.of(0, 1, 2), "c", List.of(0, 1, 2)));
    assertThat(all.nodes()).isEqualTo(3);
    assertThat(all.tasks()).isEqualTo(9);
  }

  @Test
  void copiesThatDoNotFitOrHaveNoWorkerAreRefused() {
    List<WorkerCapacity> workers = List.of(worker("a", 100), worker("b", 50));
    assertThatThrownBy(() -> PlacementPlanner.place(needs(60), workers, ANY, 2))
        .isInstanceOfSatisfying(
            PlacementException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.CAPACITY))
        .hasMessageContainingAll("1 shards in 2 copies need 120 bytes", "150 bytes are free");
    for (int replicas : new int[] {0, 3}) {
      assertThatThrownBy(() -> PlacementPlanner.place(needs(1), workers, ANY, replicas))
          .isInstanceOfSatisfying(
              PlacementException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.INVALID))
          .hasMessageContainingAll("which is 2", "got " + replicas);
    }
    Placement bounded = PlacementPlanner.place(needs(1, 1), workers, OptionalInt.of(4), 2);
    assertThat(bounded.nodes()).as("two copies take two nodes at any T").isEqualTo(2);
  }

  @Test
  void tenThousandShardsOnAHundredWorkersAreQuick() {
    Random random = new Random(7);
    List<ShardNeed> needs = new ArrayList<>();
    for (int i = 0; i < 10_000; i++) {
      needs.add(new ShardNeed(i, digest(i), 1 + random.nextInt(64 << 20)));
    }
    List<WorkerCapacity> workers = new ArrayList<>();
    for (int w = 0; w < 100; w++) {
      Set<Digest> held = new HashSet<>();
      for (int i = 0; i < 50; i++) {
        held.add(digest(random.nextInt(10_000)));
      }
      workers.add(new WorkerCapacity("w" + w, 4L << 30, held));
    }
    long best = Long.MAX_VALUE;
    for (int i = 0; i < 3; i++) {
      long start = System.nanoTime();
      assertThat(PlacementPlanner.place(needs, workers, OptionalInt.of(110)).nodes()).isEqualTo(91);
      best = Math.min(best, System.nanoTime() - start);
    }
    // some 50 ms; to look at every shard for every other one would take many seconds
    assertThat(Duration.ofNanos(best)).isLessThan(Duration.ofSeconds(3));
  }
}
