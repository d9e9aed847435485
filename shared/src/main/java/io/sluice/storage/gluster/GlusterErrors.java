package io.sluice.storage.gluster;

import io.sluice.storage.StorageException;
import io.sluice.storage.TransientStorageException;
import java.util.function.Supplier;

/** The one place where errors of libgfapi become ours. */
final class GlusterErrors {
  private GlusterErrors() {}

  /**
   * @param transferred leading bytes of the range that are in place
   */
  static StorageException reading(String key, long transferred, GlusterFailure e) {
    return switch (e.errno()) {
      case GlusterFailure.ENOENT, GlusterFailure.ENOTDIR -> StorageException.missing(key, e);
      default -> other(key, transferred, "reading '" + key + "' failed: " + e.getMessage(), e);
    };
  }

  /**
   * @param length bytes that were to be written
   * @param free says what the volume has left, in words; asked only if it is full
   */
  static StorageException writing(
      String key, long length, Supplier<String> free, GlusterFailure e) {
    String what = "writing '" + key + "' failed: " + e.getMessage();
    return switch (e.errno()) {
      case GlusterFailure.ENOSPC, GlusterFailure.EDQUOT, GlusterFailure.EFBIG ->
          StorageException.full(
              key, what + " (" + length + " bytes to write, " + free.get() + ")", e);
      default -> other(key, 0, what, e);
    };
  }

  private static StorageException other(
      String key, long transferred, String what, GlusterFailure e) {
    return switch (e.errno()) {
      case GlusterFailure.EACCES, GlusterFailure.EPERM, GlusterFailure.EROFS ->
          StorageException.forbidden(key, what, e);
      case GlusterFailure.ENAMETOOLONG, GlusterFailure.ELOOP ->
          StorageException.invalid("key-unsupported", key, what);
      default -> new TransientStorageException(key, transferred, what, e);
    };
  }
}
