package io.sluice.storage;

import io.sluice.model.ByteRange;
import io.sluice.model.ErrorKind;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * Finds out what became of a write whose answer was lost.
 *
 * @see ShardWriter#putIfAbsent
 */
public final class StoredBytes {
  /** Longest object that is read back and compared. */
  public static final long MAX_COMPARED = 1 << 20;

  private StoredBytes() {}

  /**
   * Whether the object of that key holds exactly these bytes; false if there is none, or if they
   * are more than {@value #MAX_COMPARED}.
   *
   * @throws StorageException if the store cannot tell
   */
  public static boolean equal(ShardReader store, String key, MemorySegment bytes) {
    if (bytes.byteSize() > MAX_COMPARED) {
      return false;
    }
    try {
      ObjectInfo info = store.head(key);
      if (info.size() != bytes.byteSize()) {
        return false;
      }
      MemorySegment stored = MemorySegment.ofArray(new byte[(int) info.size()]);
      store.read(key, Optional.of(info.etag()), new ByteRange(0, info.size()), stored);
      return stored.mismatch(bytes) == -1;
    } catch (StorageException e) {
      if (e.kind() == ErrorKind.MISSING || e.kind() == ErrorKind.CONFLICT) {
        return false;
      }
      throw e;
    }
  }

  /**
   * Whether the object of a key that is named by its content is there.
   *
   * @param bytes of the content
   * @throws StorageException CORRUPT if the object is there with another size
   */
  public static boolean present(ShardReader store, String key, long bytes) {
    ObjectInfo info;
    try {
      info = store.head(key);
    } catch (StorageException e) {
      if (e.kind() == ErrorKind.MISSING) {
        return false;
      }
      throw e;
    }
    if (info.size() != bytes) {
      throw new StorageException(
          ErrorKind.CORRUPT,
          "object-corrupt",
          key,
          "object '" + key + "' has " + info.size() + " bytes, its content has " + bytes,
          null);
    }
    return true;
  }
}
