package io.sluice.storage.hbase;

import io.sluice.http.HttpFailure;
import io.sluice.model.ErrorKind;
import io.sluice.storage.StorageException;
import io.sluice.storage.TransientStorageException;
import io.sluice.storage.rest.RestErrors;
import java.io.IOException;

/**
 * The one place where errors of HBase become ours. The gateway has five statuses and shows the
 * stack of what happened.
 */
final class HbaseErrors {
  private HbaseErrors() {}

  /**
   * @param where names the store
   */
  static StorageException translate(String key, String where, IOException e) {
    return switch (e) {
      case HttpFailure failure -> RestErrors.unanswered(key, 0, where, failure);
      case HbaseRefusal refusal -> refused(key, where, refusal);
      default -> RestErrors.invalidAnswer(key, where, e.getMessage(), e);
    };
  }

  private static StorageException refused(String key, String where, HbaseRefusal e) {
    String what = where + " refused '" + key + "': " + e.getMessage();
    if (e.says("TableNotFoundException") || e.says("NoSuchColumnFamilyException")) {
      return new StorageException(ErrorKind.MISSING, "table-missing", key, what, e);
    }
    if (e.says("QuotaException") || e.says("No space left on device")) {
      return e.says("RpcThrottlingException")
          ? TransientStorageException.throttled(key, e.retryAfter(), what, e)
          : StorageException.full(key, what, e);
    }
    if (e.status() == 401 || e.status() == 403 || e.says("AccessDeniedException")) {
      return StorageException.forbidden(key, what, e);
    }
    if (e.status() == 429 || e.status() == 503) {
      return TransientStorageException.throttled(key, e.retryAfter(), what, e);
    }
    return e.status() == 408 || (e.status() >= 500 && e.status() != 501)
        ? new TransientStorageException(key, 0, e.retryAfter(), what, e)
        : new StorageException(ErrorKind.FATAL, "store-refused", key, what, e);
  }
}
