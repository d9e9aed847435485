package io.sluice.job;

import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;
import java.util.Objects;

/**
 * Why a step or a job failed: what a {@link SluiceException} says, as a value.
 *
 * @param kind what the caller can do next
 * @param code stable, kebab case
 * @param message for people, at most {@value #MAX_MESSAGE} characters; the rest is cut
 */
public record JobError(ErrorKind kind, String code, String message) {
  /** Longest message in characters. */
  public static final int MAX_MESSAGE = 4_000;

  public JobError {
    Objects.requireNonNull(kind, "kind");
    Objects.requireNonNull(code, "code");
    Objects.requireNonNull(message, "message");
    if (message.length() > MAX_MESSAGE) {
      message = message.substring(0, MAX_MESSAGE - 1) + "…";
    }
  }

  /**
   * The error as it is, or {@code internal} of kind FATAL for anything that Sluice did not throw.
   */
  public static JobError of(Throwable error) {
    return error instanceof SluiceException known
        ? new JobError(known.kind(), known.code(), String.valueOf(known.getMessage()))
        : new JobError(ErrorKind.FATAL, "internal", "internal error: " + error);
  }

  /** The error as an exception. */
  public JobException toException() {
    return new JobException(kind, code, message);
  }
}
