package io.sluice.storage;

import io.sluice.storage.StoreMetrics.Operation;
import java.lang.foreign.MemorySegment;
import java.util.function.Consumer;

/** A store that counts requests, bytes and errors; a listing counts as one request. */
public final class MeteredShardStore extends MeteredShardReader implements ShardStore {
  private final ShardStore store;

  public MeteredShardStore(ShardStore store, StoreMetrics metrics) {
    super(store, metrics);
    this.store = store;
  }

  @Override
  public boolean putIfAbsent(String key, MemorySegment bytes) {
    return metered(
        Operation.PUT,
        () -> store.putIfAbsent(key, bytes),
        stored -> stored ? bytes.byteSize() : 0);
  }

  @Override
  public void delete(String key) {
    metered(
        Operation.DELETE,
        () -> {
          store.delete(key);
          return key;
        },
        deleted -> 0);
  }

  @Override
  public void list(String prefix, Consumer<ObjectInfo> each) {
    metered(
        Operation.LIST,
        () -> {
          store.list(prefix, each);
          return prefix;
        },
        listed -> 0);
  }

  @Override
  public void unfinished(String prefix, Consumer<UnfinishedWrite> each) {
    metered(
        Operation.LIST,
        () -> {
          store.unfinished(prefix, each);
          return prefix;
        },
        listed -> 0);
  }

  @Override
  public void abandon(UnfinishedWrite write) {
    metered(
        Operation.DELETE,
        () -> {
          store.abandon(write);
          return write;
        },
        abandoned -> 0);
  }

  @Override
  public void close() {
    store.close();
  }
}
