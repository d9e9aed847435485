package io.sluice.storage;

import java.util.function.Consumer;

/**
 * A store of immutable objects: the port behind which S3, a file system and the others stand. Every
 * implementation passes the same contract kit.
 */
public interface ShardStore extends ShardReader, ShardWriter, AutoCloseable {
  /**
   * Calls {@code each} once for every object whose key starts with {@code prefix}, in no particular
   * order, page by page. Objects that are written or deleted meanwhile may or may not be among
   * them.
   */
  void list(String prefix, Consumer<ObjectInfo> each);

  /**
   * Calls {@code each} for the unfinished writes of objects whose key starts with {@code prefix}. A
   * store whose writes leave nothing behind, or that cleans up by itself, has none.
   */
  default void unfinished(String prefix, Consumer<UnfinishedWrite> each) {}

  /** Gives up an unfinished write; one that is gone is no error. If it still goes on, it fails. */
  default void abandon(UnfinishedWrite write) {}

  /** Frees what the store itself opened; a client that was given to it stays open. */
  @Override
  void close();
}
