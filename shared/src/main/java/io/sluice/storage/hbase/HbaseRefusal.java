package io.sluice.storage.hbase;

import java.io.IOException;
import java.time.Duration;

/** The gateway answered with an error. */
final class HbaseRefusal extends IOException {
  private final int status;
  private final String said;
  private final Duration retryAfter;

  /**
   * @param status of HTTP
   * @param said the beginning of the answer in one line: what, then the stack of an exception
   */
  HbaseRefusal(int status, String said, Duration retryAfter) {
    super("HBase answered " + status + " " + said.replaceAll(" at [\\w.$]+\\(.*", ""));
    this.status = status;
    this.said = said;
    this.retryAfter = retryAfter;
  }

  int status() {
    return status;
  }

  Duration retryAfter() {
    return retryAfter;
  }

  boolean says(String text) {
    return said.contains(text);
  }
}
