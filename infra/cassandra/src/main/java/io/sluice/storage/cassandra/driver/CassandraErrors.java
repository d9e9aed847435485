package io.sluice.storage.cassandra.driver;

import com.datastax.oss.driver.api.core.AllNodesFailedException;
import com.datastax.oss.driver.api.core.auth.AuthenticationException;
import com.datastax.oss.driver.api.core.servererrors.InvalidConfigurationInQueryException;
import com.datastax.oss.driver.api.core.servererrors.InvalidQueryException;
import com.datastax.oss.driver.api.core.servererrors.OverloadedException;
import com.datastax.oss.driver.api.core.servererrors.SyntaxError;
import com.datastax.oss.driver.api.core.servererrors.UnauthorizedException;
import io.sluice.model.ErrorKind;
import io.sluice.storage.StorageException;
import io.sluice.storage.TransientStorageException;
import java.time.Duration;
import java.util.List;

/** The one place where errors of the driver become ours. */
final class CassandraErrors {
  private CassandraErrors() {}

  /**
   * @param key of the object that was asked for; empty if there is none
   * @param transferred leading bytes of the range that are in place
   * @param e what the driver threw
   */
  static StorageException translate(String key, long transferred, RuntimeException e) {
    String what =
        "Cassandra failed" + (key.isEmpty() ? "" : " at '" + key + "'") + ": " + reason(e);
    RuntimeException cause = e;
    if (e instanceof AllNodesFailedException all) {
      cause = commonCause(all);
    }
    return switch (cause) {
      case AuthenticationException _, UnauthorizedException _ ->
          StorageException.forbidden(key, what, e);
      case InvalidQueryException _, InvalidConfigurationInQueryException _, SyntaxError _ ->
          new StorageException(ErrorKind.FATAL, "cassandra-refused", key, what, e);
      case OverloadedException _ ->
          TransientStorageException.throttled(key, Duration.ZERO, what, e);
      default -> new TransientStorageException(key, transferred, what, e);
    };
  }

  /** Why all nodes failed, if it is not for the moment only. */
  private static RuntimeException commonCause(AllNodesFailedException e) {
    return e.getAllErrors().values().stream()
        .flatMap(List::stream)
        .filter(
            error ->
                error instanceof AuthenticationException || error instanceof OverloadedException)
        .map(RuntimeException.class::cast)
        .findFirst()
        .orElse(e);
  }

  private static String reason(RuntimeException e) {
    return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
  }
}
