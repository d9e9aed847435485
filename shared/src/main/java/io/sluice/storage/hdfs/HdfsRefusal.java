package io.sluice.storage.hdfs;

import java.io.IOException;
import java.time.Duration;
import java.util.Objects;
import java.util.Set;

/** WebHDFS answered with an error: the exception of the server. */
final class HdfsRefusal extends IOException {
  /** These come from a name node that is not the active one. */
  private static final Set<String> STANDBY =
      Set.of("StandbyException", "ObserverRetryOnActiveException");

  private final int status;
  private final String exception;
  private final String said;
  private final Duration retryAfter;

  /**
   * @param status of HTTP
   * @param exception the simple name of the server's exception; empty if it did not tell
   * @param said its message, without its stack
   */
  HdfsRefusal(int status, String exception, String said, Duration retryAfter) {
    super("HDFS answered " + status + " " + exception + ": " + said);
    this.status = status;
    this.exception = Objects.requireNonNull(exception, "exception");
    this.said = Objects.requireNonNull(said, "said");
    this.retryAfter = retryAfter;
  }

  int status() {
    return status;
  }

  String exception() {
    return exception;
  }

  Duration retryAfter() {
    return retryAfter;
  }

  boolean is(String name) {
    return exception.equals(name);
  }

  boolean says(String text) {
    return said.contains(text);
  }

  /** Whether another name node is to be asked. */
  boolean isStandby() {
    return STANDBY.contains(exception) || (is("RemoteException") && says("StandbyException"));
  }

  /** Whether the path leads through a file. */
  boolean isBehindFile() {
    return is("ParentNotDirectoryException") || says("(is not a directory)");
  }
}
