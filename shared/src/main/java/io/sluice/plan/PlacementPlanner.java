package io.sluice.plan;

import io.sluice.model.Digest;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * Places shards on workers: P = ⌈N / T⌉ nodes for N tasks (one a shard) of at most T a node. Pure
 * and deterministic.
 *
 * <p>A shard stays with a worker that holds it, where it costs no memory. The others go, largest
 * first, to the worker with the most room left (Graham's LPT rule, SIAM J. Appl. Math. 17, 1969).
 * Should that not fit, other rules of bin packing are tried on the same workers, then on those with
 * the most memory. Copies of a shard go to different workers. Packing is NP-hard: a fit that none
 * of these rules finds is refused although it exists.
 */
public final class PlacementPlanner {
  private final List<ShardNeed> needs;
  private final List<WorkerCapacity> workers;
  private final int replicas;

  /** Largest first, then by index. */
  private final List<Integer> order;

  /** For each need the workers that hold it, in order of worker id. */
  private final List<List<Integer>> holders;

  /** How one rule chooses among the workers that have room. */
  private enum Rule {
    MOST_ROOM,
    FEWEST_TASKS,
    LEAST_ROOM,
    FIRST
  }

  /** In the order in which {@link Rule#MOST_ROOM} prefers. */
  private static final Comparator<Bin> MOST_ROOM_FIRST =
      (a, b) -> {
        int room = Long.compare(b.room, a.room);
        int tasks = Integer.compare(a.shards.size(), b.shards.size());
        return room != 0 ? room : tasks != 0 ? tasks : Integer.compare(a.worker, b.worker);
      };

  /** What a worker was given so far. */
  private static final class Bin {
    final int worker;
    final Set<Integer> shards = new HashSet<>();
    long room;

    Bin(int worker, long room) {
      this.worker = worker;
      this.room = room;
    }
  }

  private PlacementPlanner(List<ShardNeed> needs, List<WorkerCapacity> workers, int replicas) {
    this.needs = needs;
    this.replicas = replicas;
    this.workers = workers.stream().sorted(Comparator.comparing(WorkerCapacity::id)).toList();
    this.order =
        IntStream.range(0, needs.size())
            .boxed()
            .sorted(
                Comparator.comparingLong((Integer i) -> -needs.get(i).bytes())
                    .thenComparingInt(i -> needs.get(i).shard()))
            .toList();
    this.holders = needs.stream().map(need -> holdersOf(need.digest())).toList();
  }

  /** Places every shard on one worker, see {@link #place(List, List, OptionalInt, int)}. */
  public static Placement place(
      List<ShardNeed> needs, List<WorkerCapacity> workers, OptionalInt tasksPerWorker) {
    return place(needs, workers, tasksPerWorker, 1);
  }

  /**
   * Places every shard on so many different workers: N tasks for N / replicas shards.
   *
   * @param needs the shards; indexes are unique
   * @param workers live workers; ids are unique
   * @param tasksPerWorker T; if empty, all workers are used
   * @param replicas workers that hold each shard, at least 1
   * @throws PlacementException of kind INVALID if T or the replicas are less than 1 or more nodes
   *     are needed than live; of kind CAPACITY if the shards do not fit
   */
  public static Placement place(
      List<ShardNeed> needs,
      List<WorkerCapacity> workers,
      OptionalInt tasksPerWorker,
      int replicas) {
    check(needs, workers, tasksPerWorker);
    if (replicas < 1 || (replicas > 1 && replicas > workers.size())) {
      throw PlacementException.invalid(
          "replicas are 1 to the number of live workers, which is "
              + workers.size()
              + ", got "
              + replicas);
    }
    int tasks = Math.multiplyExact(needs.size(), replicas);
    if (tasks == 0) {
      return new Placement(Map.of(), 0, 0, tasksPerWorker.orElse(0));
    }
    int bound = tasksPerWorker.orElse(tasks);
    int nodes =
        tasksPerWorker.isPresent()
            ? Math.max(replicas, Math.ceilDiv(tasks, bound))
            : workers.size();
    if (nodes > workers.size()) {
      throw PlacementException.invalid(
          tasks
              + (replicas > 1 ? " copies of shards at " : " shards at ")
              + bound
              + " tasks a worker need "
              + nodes
              + " workers, "
              + workers.size()
              + " live");
    }
    return new PlacementPlanner(needs, workers, replicas).place(nodes, bound, tasksPerWorker);
  }

  private static void check(
      List<ShardNeed> needs, List<WorkerCapacity> workers, OptionalInt tasksPerWorker) {
    if (tasksPerWorker.isPresent() && tasksPerWorker.getAsInt() < 1) {
      throw PlacementException.invalid(
          "tasks a worker are at least 1, got " + tasksPerWorker.getAsInt());
    }
    Set<Object> seen = new HashSet<>();
    for (ShardNeed need : needs) {
      if (!seen.add(need.shard())) {
        throw PlacementException.invalid("shard " + need.shard() + " is to be placed twice");
      }
    }
    for (WorkerCapacity worker : workers) {
      if (!seen.add(worker.id())) {
        throw PlacementException.invalid("worker '" + worker.id() + "' is named twice");
      }
    }
  }

  private Placement place(int nodes, int bound, OptionalInt asked) {
    for (List<Integer> chosen : choices(nodes)) {
      for (Rule rule : Rule.values()) {
        List<Bin> bins = attempt(chosen, bound, rule);
        if (!bins.isEmpty()) {
          return placement(bins, asked);
        }
      }
    }
    throw doesNotFit(nodes, bound, asked);
  }

  /** The sets of workers to try: those that hold the most, then those with the most memory. */
  private List<List<Integer>> choices(int nodes) {
    long[] held = new long[workers.size()];
    int[] heldShards = new int[workers.size()];
    for (int i = 0; i < needs.size(); i++) {
      for (int worker : holders.get(i)) {
        held[worker] += needs.get(i).bytes();
        heldShards[worker]++;
      }
    }
    List<Integer> all = IntStream.range(0, workers.size()).boxed().toList();
    if (nodes == workers.size()) {
      return List.of(all);
    }
    Comparator<Integer> mostHeld =
        Comparator.<Integer>comparingLong(w -> -held[w])
            .thenComparingInt(w -> -heldShards[w])
            .thenComparingLong(w -> -workers.get(w).freeBytes());
    Comparator<Integer> mostMemory =
        Comparator.comparingDouble(w -> -((double) held[w] + workers.get(w).freeBytes()));
    Comparator<Integer> mostFree = Comparator.comparingLong(w -> -workers.get(w).freeBytes());
    return List.of(
        all.stream().sorted(mostHeld).limit(nodes).sorted().toList(),
        all.stream().sorted(mostMemory).limit(nodes).sorted().toList(),
        all.stream().sorted(mostFree).limit(nodes).sorted().toList());
  }

  /** Bins that hold every shard, or none if the rule finds no fit. */
  private List<Bin> attempt(List<Integer> chosen, int bound, Rule rule) {
    Bin[] byWorker = new Bin[workers.size()];
    List<Bin> bins = new ArrayList<>();
    for (int worker : chosen) {
      byWorker[worker] = new Bin(worker, workers.get(worker).freeBytes());
      bins.add(byWorker[worker]);
    }
    int[] missing = new int[needs.size()];
    for (int i : order) {
      missing[i] = replicas;
      while (missing[i] > 0) {
        Bin best = null;
        for (int worker : holders.get(i)) {
          Bin bin = byWorker[worker];
          if (bin != null
              && bin.shards.size() < bound
              && !bin.shards.contains(needs.get(i).shard())
              && (best == null || bin.shards.size() < best.shards.size())) {
            best = bin;
          }
        }
        if (best == null) {
          break;
        }
        best.shards.add(needs.get(i).shard());
        missing[i]--;
      }
    }
    return rule == Rule.MOST_ROOM && replicas == 1
        ? fillMostRoom(bins, missing, bound)
        : fill(bins, missing, bound, rule);
  }

  /** Bins that hold what is missing too, or none. */
  private List<Bin> fill(List<Bin> bins, int[] missing, int bound, Rule rule) {
    for (int i : order) {
      for (; missing[i] > 0; missing[i]--) {
        Bin best = choose(bins, needs.get(i), bound, rule);
        if (best == null) {
          return List.of();
        }
        best.shards.add(needs.get(i).shard());
        best.room -= needs.get(i).bytes();
      }
    }
    return bins;
  }

  /**
   * The same for one copy of each by the rule that is tried first, with a heap: thousands of
   * workers cost little.
   */
  private List<Bin> fillMostRoom(List<Bin> bins, int[] missing, int bound) {
    PriorityQueue<Bin> queue = new PriorityQueue<>(Math.max(1, bins.size()), MOST_ROOM_FIRST);
    bins.stream().filter(bin -> bin.shards.size() < bound).forEach(queue::add);
    for (int i : order) {
      if (missing[i] > 0) {
        Bin best = queue.poll();
        if (best == null || best.room < needs.get(i).bytes()) {
          return List.of();
        }
        best.shards.add(needs.get(i).shard());
        best.room -= needs.get(i).bytes();
        if (best.shards.size() < bound) {
          queue.add(best);
        }
      }
    }
    return bins;
  }

  private static Bin choose(List<Bin> bins, ShardNeed need, int bound, Rule rule) {
    Bin best = null;
    for (Bin bin : bins) {
      if (bin.room >= need.bytes()
          && bin.shards.size() < bound
          && !bin.shards.contains(need.shard())
          && (best == null || better(bin, best, rule))) {
        best = bin;
      }
    }
    return best;
  }

  private static boolean better(Bin bin, Bin best, Rule rule) {
    int tasks = Integer.compare(best.shards.size(), bin.shards.size());
    int room = Long.compare(bin.room, best.room);
    return switch (rule) {
      case MOST_ROOM -> room > 0 || (room == 0 && tasks > 0);
      case FEWEST_TASKS -> tasks > 0 || (tasks == 0 && room > 0);
      case LEAST_ROOM -> room < 0;
      case FIRST -> false;
    };
  }

  private Placement placement(List<Bin> bins, OptionalInt asked) {
    Map<String, List<Integer>> shards = new TreeMap<>();
    int most = 0;
    for (Bin bin : bins) {
      if (!bin.shards.isEmpty()) {
        shards.put(workers.get(bin.worker).id(), bin.shards.stream().sorted().toList());
        most = Math.max(most, bin.shards.size());
      }
    }
    return new Placement(shards, shards.size(), needs.size() * replicas, asked.orElse(most));
  }

  private PlacementException doesNotFit(int nodes, int bound, OptionalInt asked) {
    long missing = 0;
    long largest = 0;
    for (int i = 0; i < needs.size(); i++) {
      for (int copy = holders.get(i).size(); copy < replicas; copy++) {
        missing = saturatingAdd(missing, needs.get(i).bytes());
        largest = Math.max(largest, needs.get(i).bytes());
      }
    }
    long free = 0;
    long mostFree = 0;
    for (WorkerCapacity worker : workers) {
      free = saturatingAdd(free, worker.freeBytes());
      mostFree = Math.max(mostFree, worker.freeBytes());
    }
    return PlacementException.doesNotFit(
        needs.size()
            + (replicas > 1 ? " shards in " + replicas + " copies need " : " shards need ")
            + missing
            + " bytes that no worker holds (largest shard "
            + largest
            + "), "
            + free
            + " bytes are free on "
            + workers.size()
            + " workers (most on one "
            + mostFree
            + ")"
            + (asked.isPresent()
                ? ", of which " + nodes + " may take up to " + bound + " tasks each"
                : ""));
  }

  private List<Integer> holdersOf(Digest digest) {
    List<Integer> result = new ArrayList<>();
    for (int worker = 0; worker < workers.size(); worker++) {
      if (workers.get(worker).held().contains(digest)) {
        result.add(worker);
      }
    }
    return result;
  }

  private static long saturatingAdd(long a, long b) {
    long sum = a + b;
    return sum < 0 ? Long.MAX_VALUE : sum;
  }
}
