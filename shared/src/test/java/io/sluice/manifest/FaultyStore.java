package io.sluice.manifest;

import io.sluice.model.ByteRange;
import io.sluice.storage.ObjectInfo;
import io.sluice.storage.ReadObserver;
import io.sluice.storage.ShardStore;
import io.sluice.storage.TransientStorageException;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** A store whose n-th call fails, before it was done or after. */
final class FaultyStore implements ShardStore {
  private final ShardStore store;
  private final AtomicInteger left;
  private final boolean after;

  FaultyStore(ShardStore store, int failing, boolean after) {
    this.store = store;
    this.left = new AtomicInteger(failing);
    this.after = after;
  }

  /** Whether the call has failed. */
  boolean failed() {
    return left.get() <= 0;
  }

  private <T> T call(String key, Supplier<T> call) {
    boolean fails = left.decrementAndGet() == 0;
    T answer = fails && !after ? null : call.get();
    if (fails) {
      throw new TransientStorageException(key, 0, "the test broke the connection", null);
    }
    return answer;
  }

  @Override
  public ObjectInfo head(String key) {
    return call(key, () -> store.head(key));
  }

  @Override
  public void read(
      String key,
      Optional<String> etag,
      ByteRange range,
      MemorySegment target,
      ReadObserver observer) {
    call(
        key,
        () -> {
          store.read(key, etag, range, target, observer);
          return null;
        });
  }

  @Override
  public boolean putIfAbsent(String key, MemorySegment bytes) {
    return call(key, () -> store.putIfAbsent(key, bytes));
  }

  @Override
  public void delete(String key) {
    call(
        key,
        () -> {
          store.delete(key);
          return null;
        });
  }

  @Override
  public void list(String prefix, Consumer<ObjectInfo> each) {
    call(
        prefix,
        () -> {
          store.list(prefix, each);
          return null;
        });
  }

  @Override
  public void close() {}
}
