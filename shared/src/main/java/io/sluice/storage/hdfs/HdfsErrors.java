package io.sluice.storage.hdfs;

import io.sluice.http.HttpFailure;
import io.sluice.model.ErrorKind;
import io.sluice.storage.StorageException;
import io.sluice.storage.TransientStorageException;
import io.sluice.storage.rest.RestErrors;
import java.io.IOException;
import java.util.Set;

/**
 * The one place where errors of HDFS become ours. WebHDFS answers 403 for every {@code IOException}
 * of the server, so it is the name of the exception that tells.
 *
 * @see <a
 *     href="https://hadoop.apache.org/docs/stable/hadoop-project-dist/hadoop-hdfs/WebHDFS.html#Error_Responses">Error
 *     responses of WebHDFS</a>
 */
final class HdfsErrors {
  private static final Set<String> DENIED =
      Set.of(
          "AccessControlException",
          "AuthorizationException",
          "SecurityException",
          "InvalidToken",
          "AuthenticationException");
  private static final Set<String> FULL =
      Set.of(
          "DSQuotaExceededException",
          "NSQuotaExceededException",
          "QuotaExceededException",
          "QuotaByStorageTypeExceededException");
  private static final Set<String> BUSY =
      Set.of("RetriableException", "ServerTooBusyException", "SafeModeException");
  private static final Set<String> UNSUPPORTED =
      Set.of(
          "InvalidPathException", "PathComponentTooLongException", "IllegalReservedPathException");

  private HdfsErrors() {}

  /**
   * @param where names the store
   */
  static StorageException translate(String key, String where, IOException e) {
    return switch (e) {
      case HttpFailure failure -> RestErrors.unanswered(key, 0, where, failure);
      case HdfsRefusal refusal -> refused(key, where, refusal);
      default -> RestErrors.invalidAnswer(key, where, e.getMessage(), e);
    };
  }

  /** Whether the cluster found no place for a block; why, it does not tell. */
  static boolean isWithoutPlace(HdfsRefusal e) {
    return e.says("could only be written to 0 of") || e.says("could only be replicated to 0 nodes");
  }

  private static StorageException refused(String key, String where, HdfsRefusal e) {
    String what = where + " refused '" + key + "': " + e.getMessage();
    if (e.is("FileNotFoundException")) {
      return StorageException.missing(key, e);
    }
    if (e.isBehindFile()) {
      return blocked(key, e);
    }
    if (DENIED.contains(e.exception()) || e.status() == 401) {
      return StorageException.forbidden(key, what, e);
    }
    if (FULL.contains(e.exception())) {
      return StorageException.full(key, what, e);
    }
    if (UNSUPPORTED.contains(e.exception())) {
      return StorageException.invalid("key-unsupported", key, what);
    }
    if (e.status() == 429 || e.status() == 503 || BUSY.contains(e.exception())) {
      return TransientStorageException.throttled(key, e.retryAfter(), what, e);
    }
    if (e.says("limit on maximum number of blocks")) {
      return StorageException.invalid("object-too-large", key, what);
    }
    // Data nodes that are gone or not yet there, pipelines that broke, leases that were lost, name
    // nodes that change places: whatever else the server could not do, it may do later.
    boolean passing =
        (e.status() == 403 && !e.says("less than configured minimum value"))
            || e.status() == 408
            || (e.status() >= 500 && e.status() != 501);
    return passing
        ? new TransientStorageException(key, 0, what, e)
        : new StorageException(ErrorKind.FATAL, "store-refused", key, what, e);
  }

  /** The key goes on behind an object, or stops within the keys of others. */
  static StorageException blocked(String key, Throwable cause) {
    return new StorageException(
        ErrorKind.INVALID,
        "key-blocked",
        key,
        "key '"
            + key
            + "' goes on behind another object, or other keys begin with it: "
            + "a file is no directory",
        cause);
  }
}
