package io.sluice.compute.publish;

import io.sluice.job.ShardPins;
import io.sluice.model.ErrorKind;
import io.sluice.storage.ObjectInfo;
import io.sluice.storage.ShardStore;
import io.sluice.storage.StorageException;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * Stores objects that are named by their content, pinned before it looks whether they are there.
 */
final class ContentObjects {
  /** How long to wait for an object that is just being collected as garbage. */
  private static final Duration PIN = Duration.ofSeconds(30);

  private final ShardStore store;
  private final ShardPins pins;

  ContentObjects(ShardStore store, ShardPins pins) {
    this.store = store;
    this.pins = pins;
  }

  /** Stores an object unless it is there; looks first, so that what is there is not sent again. */
  boolean put(String owner, String key, MemorySegment bytes) throws InterruptedException {
    pins.pin(owner, List.of(key), PIN);
    Optional<ObjectInfo> there = find(key);
    if (there.isEmpty()) {
      return store.putIfAbsent(key, bytes);
    }
    if (there.get().size() != bytes.byteSize()) {
      throw new StorageException(
          ErrorKind.CORRUPT,
          "object-corrupt",
          key,
          "object '"
              + key
              + "' has "
              + there.get().size()
              + " bytes, its content has "
              + bytes.byteSize(),
          null);
    }
    return false;
  }

  private Optional<ObjectInfo> find(String key) {
    try {
      return Optional.of(store.head(key));
    } catch (StorageException e) {
      if (e.kind() == ErrorKind.MISSING) {
        return Optional.empty();
      }
      throw e;
    }
  }
}
