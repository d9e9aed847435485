package io.sluice.storage;

import java.util.function.Consumer;

/**
 * A store of immutable objects: the port behind which S3, a file system and the others stand. Every
 * implementation passes the same contract kit.
 */
public interface ShardStore extends ShardReader, ShardWriter, AutoCloseable {
  /**
   * Calls {@code each} for every object whose key starts with {@code prefix}, in no particular
   * order, page by page.
   */
  void list(String prefix, Consumer<ObjectInfo> each);

  /** Frees connections. */
  @Override
  void close();
}
