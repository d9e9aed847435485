package io.sluice.storage;

import java.lang.foreign.MemorySegment;
import java.util.HashSet;
import java.util.Set;
import java.util.function.Consumer;

/**
 * A store that repeats what failed for the moment; see {@link RetryingShardReader} for reads.
 *
 * <p>A listing that breaks off begins again and leaves out what it gave already, for which it
 * remembers the keys of the listing while it runs.
 */
public final class RetryingShardStore extends RetryingShardReader implements ShardStore {
  private final ShardStore store;

  public RetryingShardStore(ShardStore store, RetryPolicy policy) {
    this(store, policy, Retrier.Clock.SYSTEM);
  }

  RetryingShardStore(ShardStore store, RetryPolicy policy, Retrier.Clock clock) {
    super(store, policy, clock);
    this.store = store;
  }

  @Override
  public boolean putIfAbsent(String key, MemorySegment bytes) {
    Retrier retrier = retrier();
    boolean uncertain = false;
    while (true) {
      try {
        return store.putIfAbsent(key, bytes) || (uncertain && StoredBytes.equal(this, key, bytes));
      } catch (TransientStorageException e) {
        uncertain = true;
        retrier.failed(e, 0);
      }
    }
  }

  @Override
  public void delete(String key) {
    retry(
        () -> {
          store.delete(key);
          return null;
        });
  }

  @Override
  public void list(String prefix, Consumer<ObjectInfo> each) {
    Set<String> given = new HashSet<>();
    Retrier retrier = retrier();
    while (true) {
      int before = given.size();
      try {
        store.list(
            prefix,
            object -> {
              if (given.add(object.key())) {
                try {
                  each.accept(object);
                } catch (TransientStorageException e) {
                  throw new ReceiverFailed(e);
                }
              }
            });
        return;
      } catch (ReceiverFailed e) {
        throw e.failure;
      } catch (TransientStorageException e) {
        if (given.size() > before) {
          retrier.progressed();
        }
        retrier.failed(e, 0);
      }
    }
  }

  @Override
  public void unfinished(String prefix, Consumer<UnfinishedWrite> each) {
    Set<UnfinishedWrite> found =
        retry(
            () -> {
              Set<UnfinishedWrite> all = new HashSet<>();
              store.unfinished(prefix, all::add);
              return all;
            });
    found.forEach(each);
  }

  @Override
  public void abandon(UnfinishedWrite write) {
    retry(
        () -> {
          store.abandon(write);
          return null;
        });
  }

  @Override
  public void close() {
    store.close();
  }

  /** Keeps an error of who receives the listing from being taken for one of the listing. */
  private static final class ReceiverFailed extends RuntimeException {
    private final transient TransientStorageException failure;

    ReceiverFailed(TransientStorageException failure) {
      super(failure);
      this.failure = failure;
    }
  }
}
