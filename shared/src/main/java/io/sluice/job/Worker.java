package io.sluice.job;

import java.time.Instant;
import java.util.Objects;
import java.util.regex.Pattern;

/**
 * A function instance that executes steps.
 *
 * @param id stable name: letters, digits, {@code . _ -}, at most 128
 * @param incarnation differs each time the worker starts: what an earlier one held in memory is
 *     gone
 * @param address base URL at which other workers reach it
 * @param startedAt when this incarnation started
 * @param budgetBytes memory it may use for shards
 * @param freeBytes what of it is free
 * @param heldShards number of shards it holds
 */
public record Worker(
    String id,
    String incarnation,
    String address,
    Instant startedAt,
    long budgetBytes,
    long freeBytes,
    int heldShards) {
  private static final Pattern ID = Pattern.compile("[A-Za-z0-9._-]{1,128}");

  public Worker {
    checkId(id);
    checkId(incarnation);
    Objects.requireNonNull(address, "address");
    Objects.requireNonNull(startedAt, "startedAt");
    if (budgetBytes < 0 || freeBytes < 0 || freeBytes > budgetBytes || heldShards < 0) {
      throw JobException.invalid(
          "worker-invalid",
          "worker '"
              + id
              + "' needs 0 <= free <= budget and 0 <= shards, got free "
              + freeBytes
              + ", budget "
              + budgetBytes
              + " and "
              + heldShards
              + " shards");
    }
  }

  /** The same worker with other numbers. */
  public Worker with(long freeBytes, int heldShards) {
    return new Worker(id, incarnation, address, startedAt, budgetBytes, freeBytes, heldShards);
  }

  /** Checks the id of a worker. */
  public static void checkId(String id) {
    if (!ID.matcher(id).matches()) {
      throw JobException.invalid(
          "worker-invalid",
          "the id of a worker has 1 to 128 letters, digits, '.', '_' and '-', got '"
              + (id.length() > 140 ? id.substring(0, 140) + "…" : id)
              + "'");
    }
  }
}
