package io.sluice.plan;

import io.sluice.model.Digest;
import io.sluice.model.InvalidValueException;
import java.util.Objects;

/**
 * A shard to be placed on a worker.
 *
 * @param shard its index
 * @param digest its content
 * @param bytes memory it takes on a worker that does not hold it
 */
public record ShardNeed(int shard, Digest digest, long bytes) {
  public ShardNeed {
    Objects.requireNonNull(digest, "digest");
    if (shard < 0 || bytes < 0) {
      throw new InvalidValueException(
          "placement-invalid",
          "a shard to be placed needs an index and bytes of at least 0, got "
              + shard
              + " and "
              + bytes);
    }
  }
}
