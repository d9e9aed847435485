package io.sluice.plan;

import java.util.List;

/**
 * A shard to be written.
 *
 * @param index its place in the plan, from 0
 * @param pieces what it holds, without holes: by descending dtype alignment, then in source order
 * @param dataBytes bytes of tensor data, without the object's header
 */
public record PlannedShard(int index, List<PlannedPiece> pieces, long dataBytes) {
  public PlannedShard {
    pieces = List.copyOf(pieces);
  }
}
