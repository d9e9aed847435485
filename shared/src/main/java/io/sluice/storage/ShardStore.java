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

  /** Frees what the store itself opened; a client that was given to it stays open. */
  @Override
  void close();
}
