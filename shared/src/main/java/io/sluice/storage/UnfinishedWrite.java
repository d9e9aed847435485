package io.sluice.storage;

import java.time.Instant;
import java.util.Objects;

/**
 * The parts of an object whose write was begun and neither finished nor given up: it goes on, or
 * its writer was killed. Nobody sees them as an object, but they take room.
 *
 * @param key of the object
 * @param id what the store calls the write
 * @param begun when, by the store's clock
 */
public record UnfinishedWrite(String key, String id, Instant begun) {
  public UnfinishedWrite {
    ObjectKeys.check(key);
    Objects.requireNonNull(id, "id");
    Objects.requireNonNull(begun, "begun");
  }
}
