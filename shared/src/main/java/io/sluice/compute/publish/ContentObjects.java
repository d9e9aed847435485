package io.sluice.compute.publish;

import io.sluice.job.ShardPins;
import io.sluice.storage.ShardStore;
import io.sluice.storage.StoredBytes;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.List;

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
    return !StoredBytes.present(store, key, bytes.byteSize()) && store.putIfAbsent(key, bytes);
  }
}
