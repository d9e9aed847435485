package io.sluice.job;

import java.util.Locale;

/** Where a job is. */
public enum JobState {
  /** Nobody has planned its tasks yet. */
  PLANNING,
  /** Its tasks are being executed. */
  RUNNING,
  /** All tasks are done; the last step remains. */
  COMMITTING,
  /** Done; there is a result. */
  SUCCEEDED,
  /** Given up; there is an error. */
  FAILED,
  /** Stopped by a user. */
  CANCELLED;

  /** Whether nothing happens any more. */
  public boolean terminal() {
    return this == SUCCEEDED || this == FAILED || this == CANCELLED;
  }

  /** The lower-case name: what is stored and what clients see. */
  public String text() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** Reads {@link #text}. */
  public static JobState of(String text) {
    return valueOf(text.toUpperCase(Locale.ROOT));
  }
}
