package io.sluice.plan;

import io.sluice.model.InvalidValueException;
import java.util.Objects;
import java.util.OptionalInt;

/**
 * What a user may say about how a model is cut.
 *
 * @param strategy how to cut
 * @param shardBytes most bytes of tensor data in a shard (a single row larger than that stays
 *     whole); {@value #MIN_SHARD_BYTES} to {@value #MAX_SHARD_BYTES}; strategy {@code count} does
 *     not look at it
 * @param count number of shards, 1 to {@value #MAX_COUNT}; given with strategy {@code count} and
 *     only then
 * @param chunkBytes bytes of a chunk, {@value #MIN_CHUNK_BYTES} to {@value #MAX_CHUNK_BYTES}
 */
public record PlanOptions(
    PlanStrategy strategy, long shardBytes, OptionalInt count, int chunkBytes) {
  public static final long MIN_SHARD_BYTES = 1L << 10;
  public static final long MAX_SHARD_BYTES = 1L << 36;
  public static final int MAX_COUNT = 100_000;
  public static final int MIN_CHUNK_BYTES = 1 << 16;
  public static final int MAX_CHUNK_BYTES = 1 << 30;
  public static final long DEFAULT_SHARD_BYTES = 64L << 20;
  public static final int DEFAULT_CHUNK_BYTES = 8 << 20;

  /** Shards of up to 64 MiB in chunks of 8 MiB. */
  public static final PlanOptions DEFAULT = bySize(DEFAULT_SHARD_BYTES);

  public PlanOptions {
    Objects.requireNonNull(strategy, "strategy");
    Objects.requireNonNull(count, "count");
    check("shardBytes", shardBytes, MIN_SHARD_BYTES, MAX_SHARD_BYTES);
    check("chunkBytes", chunkBytes, MIN_CHUNK_BYTES, MAX_CHUNK_BYTES);
    if (count.isPresent() != (strategy == PlanStrategy.COUNT)) {
      throw new InvalidValueException(
          "plan-invalid",
          "a plan's count is given with strategy 'count' and only then, got strategy '"
              + strategy.text()
              + "' "
              + (count.isPresent() ? "and count " + count.getAsInt() : "without count"));
    }
    if (count.isPresent()) {
      check("count", count.getAsInt(), 1, MAX_COUNT);
    }
  }

  /** Strategy {@code size} with the default chunk. */
  public static PlanOptions bySize(long shardBytes) {
    return new PlanOptions(PlanStrategy.SIZE, shardBytes, OptionalInt.empty(), DEFAULT_CHUNK_BYTES);
  }

  /** Strategy {@code count} with the default chunk. */
  public static PlanOptions byCount(int count) {
    return new PlanOptions(
        PlanStrategy.COUNT, DEFAULT_SHARD_BYTES, OptionalInt.of(count), DEFAULT_CHUNK_BYTES);
  }

  /** Strategy {@code layer} with the default chunk. */
  public static PlanOptions byLayer(long shardBytes) {
    return new PlanOptions(
        PlanStrategy.LAYER, shardBytes, OptionalInt.empty(), DEFAULT_CHUNK_BYTES);
  }

  private static void check(String name, long value, long min, long max) {
    if (value < min || value > max) {
      throw new InvalidValueException(
          "plan-invalid", "a plan's " + name + " is " + min + " to " + max + ", got " + value);
    }
  }
}
