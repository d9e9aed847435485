package io.sluice.plan;

import java.util.List;

/**
 * How a model is cut into shards: every byte of every tensor lies in exactly one piece.
 *
 * @param shards in order of index
 */
public record ShardPlan(List<PlannedShard> shards) {
  public ShardPlan {
    shards = List.copyOf(shards);
  }

  /** Bytes of tensor data in all shards. */
  public long dataBytes() {
    return shards.stream().mapToLong(PlannedShard::dataBytes).sum();
  }
}
