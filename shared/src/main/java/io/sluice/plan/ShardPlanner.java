package io.sluice.plan;

import io.sluice.model.InvalidValueException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.TreeMap;

/**
 * Cuts the tensors of a model into shards. Pure and deterministic: the same tensors and options
 * give the same plan.
 *
 * <h2>Strategy {@code size}</h2>
 *
 * A tensor larger than a shard is cut by whole rows into shards of its own, of near-equal size (one
 * that cannot be cut stays whole). Every other shard takes tensors in source order, up to the limit
 * and at least a quarter of it, and ends before the tensor whose <em>name</em> has the smallest
 * hash among those where it may end; tensors of half a shard or more come before all others. This
 * is content-defined chunking by a local extreme (Zhang et al., "AE: An Asymmetric Extremum content
 * defined chunking algorithm", INFOCOM 2015) applied to names: a tensor that is added or dropped
 * moves the cuts near it only, so a new version of a model shares nearly all shards with the old
 * one. The price is that shards are filled to about 60 % on average.
 *
 * <h2>Strategy {@code count}</h2>
 *
 * Exactly the asked number of shards (or as many as there are rows, if those are fewer), contiguous
 * and of about equal bytes. A cut is moved to the nearest tensor boundary if one is within a tenth
 * of a shard, else it lies between rows.
 *
 * <h2>Strategy {@code layer}</h2>
 *
 * One shard a layer, in order of layer numbers. Tensors without a layer are two more groups: those
 * before the first tensor with a layer go first, all others last. A group larger than a shard is
 * cut as by {@code size}.
 */
public final class ShardPlanner {
  /** Most shards of one model. */
  public static final int MAX_SHARDS = PlanOptions.MAX_COUNT;

  private final PlanOptions options;
  private final List<PlanTensor> tensors;
  private final List<PlannedShard> shards = new ArrayList<>();

  /** Pieces of the shard that is being filled, with their places in source order. */
  private final List<Draft> open = new ArrayList<>();

  private record Draft(PlanTensor tensor, long firstRow, long rows, long length) {
    int alignment() {
      return tensor.info().dtype().alignment();
    }
  }

  private ShardPlanner(List<PlanTensor> tensors, PlanOptions options) {
    this.tensors = tensors;
    this.options = options;
  }

  /**
   * Plans the shards of the tensors.
   *
   * @param tensors in source order; indexes are unique; those of no bytes get no piece
   * @throws InvalidValueException if two have one index, their bytes exceed 2^63 - 1, or the plan
   *     would have more than {@value #MAX_SHARDS} shards
   */
  public static ShardPlan plan(List<PlanTensor> tensors, PlanOptions options) {
    checkIndexes(tensors);
    List<PlanTensor> some = tensors.stream().filter(t -> t.info().elements() > 0).toList();
    long total = totalBytes(some);
    ShardPlanner planner = new ShardPlanner(some, options);
    switch (options.strategy()) {
      case SIZE -> planner.bySize(some);
      case COUNT -> planner.byCount(total, options.count().orElseThrow());
      case LAYER -> planner.byLayer();
    }
    return new ShardPlan(planner.shards);
  }

  private static void checkIndexes(List<PlanTensor> tensors) {
    int[] indexes = tensors.stream().mapToInt(PlanTensor::index).sorted().toArray();
    for (int i = 1; i < indexes.length; i++) {
      if (indexes[i] == indexes[i - 1]) {
        throw new InvalidValueException(
            "plan-invalid", "two tensors to be planned have index " + indexes[i]);
      }
    }
  }

  private static long totalBytes(List<PlanTensor> tensors) {
    try {
      long total = 0;
      for (PlanTensor tensor : tensors) {
        total = Math.addExact(total, tensor.info().bytes());
      }
      return total;
    } catch (ArithmeticException e) {
      throw new InvalidValueException(
          "plan-invalid", "the tensors to be planned exceed 2^63 - 1 bytes");
    }
  }

  // ---- size

  private void bySize(List<PlanTensor> group) {
    int begin = 0;
    for (int i = 0; i <= group.size(); i++) {
      if (i == group.size() || group.get(i).info().bytes() > options.shardBytes()) {
        anchored(group.subList(begin, i));
        if (i < group.size()) {
          split(group.get(i));
        }
        begin = i + 1;
      }
    }
  }

  /** Shards of tensors none of which is larger than a shard. */
  private void anchored(List<PlanTensor> run) {
    int n = run.size();
    long[] bytes = new long[n];
    long[] rank = new long[n];
    for (int i = 0; i < n; i++) {
      bytes[i] = run.get(i).info().bytes();
      rank[i] = bytes[i] >= options.shardBytes() / 2 ? -1 : hash(run.get(i).info().name());
    }
    int begin = 0;
    while (begin < n) {
      int end = endOfShard(begin, bytes, rank);
      for (PlanTensor tensor : run.subList(begin, end)) {
        add(tensor, 0, tensor.info().rows());
      }
      close();
      begin = end;
    }
  }

  private int endOfShard(int begin, long[] bytes, long[] rank) {
    long sum = bytes[begin];
    int best = -1;
    for (int i = begin + 1; i < bytes.length; i++) {
      if (sum >= options.shardBytes() / 4 && (best < 0 || rank[i] < rank[best])) {
        best = i;
      }
      if (sum + bytes[i] > options.shardBytes()) {
        return best < 0 ? i : best;
      }
      sum += bytes[i];
    }
    return bytes.length;
  }

  private void split(PlanTensor tensor) {
    long rows = tensor.info().rows();
    long perShard =
        tensor.splits() ? Math.max(1, options.shardBytes() / tensor.info().rowBytes()) : rows;
    long count = Math.ceilDiv(rows, perShard);
    if (count > MAX_SHARDS) {
      throw tooMany(count);
    }
    long row = 0;
    for (long i = 0; i < count; i++) {
      long block = rows / count + (i < rows % count ? 1 : 0);
      add(tensor, row, block);
      close();
      row += block;
    }
  }

  /** FNV-1a (64 bits) of the name, mixed, as a number of 63 bits. */
  private static long hash(String name) {
    long h = 0xcbf29ce484222325L;
    for (int i = 0; i < name.length(); i++) {
      h = (h ^ name.charAt(i)) * 0x100000001b3L;
    }
    h = (h ^ (h >>> 32)) * 0x9e3779b97f4a7c15L;
    return (h ^ (h >>> 29)) >>> 1;
  }

  // ---- layer

  private void byLayer() {
    List<PlanTensor> before = new ArrayList<>();
    TreeMap<Integer, List<PlanTensor>> layers = new TreeMap<>();
    List<PlanTensor> after = new ArrayList<>();
    for (PlanTensor tensor : tensors) {
      if (tensor.layer().isPresent()) {
        layers.computeIfAbsent(tensor.layer().getAsInt(), l -> new ArrayList<>()).add(tensor);
      } else {
        (layers.isEmpty() ? before : after).add(tensor);
      }
    }
    bySize(before);
    layers.values().forEach(this::bySize);
    bySize(after);
  }

  // ---- count

  /**
   * Fills one shard after the other up to its share of what is left, in units: rows of a tensor
   * that may be cut, else the whole tensor.
   */
  private void byCount(long total, int asked) {
    long unitsLeft = tensors.stream().mapToLong(ShardPlanner::units).sum();
    int count = (int) Math.min(asked, unitsLeft);
    int at = 0;
    long row = 0;
    long bytesLeft = total;
    for (int shardsLeft = count; shardsLeft > 0; shardsLeft--) {
      long ideal = Math.max(1, bytesLeft / shardsLeft);
      long spare = unitsLeft - shardsLeft; // units this shard may take after its first one
      long filled = 0;
      boolean full = false;
      while (at < tensors.size() && !full) {
        PlanTensor tensor = tensors.get(at);
        long rows = tensor.info().rows() - row;
        long unitsHere = tensor.splits() ? rows : 1;
        long unitBytes = tensor.splits() ? tensor.info().rowBytes() : tensor.info().bytes();
        long most = Math.min(unitsHere, filled == 0 ? spare + 1 : spare);
        long take =
            shardsLeft == 1 ? unitsHere : wanted(ideal - filled, ideal, unitsHere, unitBytes);
        take = Math.max(filled == 0 ? 1 : 0, Math.min(take, most));
        if (take > 0) {
          long taken = tensor.splits() ? take : rows;
          add(tensor, row, taken);
          spare -= filled == 0 ? take - 1 : take;
          filled += take * unitBytes;
          unitsLeft -= take;
          row += taken;
        }
        full = take < unitsHere;
        if (!full) {
          at++;
          row = 0;
        }
      }
      bytesLeft -= filled;
      close();
    }
  }

  private static long units(PlanTensor tensor) {
    return tensor.splits() ? tensor.info().rows() : 1;
  }

  /** How many of the tensor's next units go in a shard that lacks {@code room} bytes. */
  private static long wanted(long room, long ideal, long units, long unitBytes) {
    long slack = ideal / 10;
    long excess = units * unitBytes - room;
    if (excess <= 0 || (excess <= room && (units == 1 || excess <= slack))) {
      return units;
    }
    if (room <= slack || units == 1) {
      return 0;
    }
    return room / unitBytes + (room % unitBytes > unitBytes / 2 ? 1 : 0);
  }

  // ---- shards

  private void add(PlanTensor tensor, long firstRow, long rows) {
    long length =
        rows == tensor.info().rows() ? tensor.info().bytes() : rows * tensor.info().rowBytes();
    open.add(new Draft(tensor, firstRow, rows, length));
  }

  private void close() {
    if (shards.size() == MAX_SHARDS) {
      throw tooMany(MAX_SHARDS + 1L);
    }
    // The sort is stable, so source order remains among equals.
    open.sort(Comparator.comparingInt(Draft::alignment).reversed());
    PlannedPiece[] pieces = new PlannedPiece[open.size()];
    long offset = 0;
    for (int i = 0; i < pieces.length; i++) {
      Draft draft = open.get(i);
      long tensorOffset =
          draft.firstRow() == 0 ? 0 : draft.firstRow() * draft.tensor().info().rowBytes();
      pieces[i] =
          new PlannedPiece(
              draft.tensor().index(),
              draft.firstRow(),
              draft.rows(),
              tensorOffset,
              draft.length(),
              offset);
      offset += draft.length();
    }
    shards.add(new PlannedShard(shards.size(), Arrays.asList(pieces), offset));
    open.clear();
  }

  private InvalidValueException tooMany(long atLeast) {
    return new InvalidValueException(
        "plan-too-many-shards",
        "shards of "
            + options.shardBytes()
            + " bytes make at least "
            + atLeast
            + " shards, at most "
            + MAX_SHARDS
            + "; ask for larger ones");
  }
}
