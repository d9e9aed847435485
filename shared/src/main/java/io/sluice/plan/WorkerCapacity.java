package io.sluice.plan;

import io.sluice.model.Digest;
import io.sluice.model.InvalidValueException;
import java.util.Objects;
import java.util.Set;

/**
 * A live worker.
 *
 * @param id its name, unique
 * @param freeBytes memory it has left
 * @param held shards it holds already; they cost it nothing
 */
public record WorkerCapacity(String id, long freeBytes, Set<Digest> held) {
  public WorkerCapacity {
    Objects.requireNonNull(id, "id");
    held = Set.copyOf(held);
    if (freeBytes < 0) {
      throw new InvalidValueException(
          "placement-invalid",
          "worker '" + id + "' needs free bytes of at least 0, got " + freeBytes);
    }
  }
}
