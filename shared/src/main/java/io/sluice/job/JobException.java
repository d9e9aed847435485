package io.sluice.job;

import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;

/** The root of the errors of jobs, workers and pins. */
public class JobException extends SluiceException {
  public JobException(ErrorKind kind, String code, String message) {
    super(kind, code, message);
  }

  public JobException(ErrorKind kind, String code, String message, Throwable cause) {
    super(kind, code, message, cause);
  }

  /** There is no job of that id, or it was forgotten after its retention. */
  public static JobException missing(String jobId) {
    String shown = jobId.length() > 40 ? jobId.substring(0, 40) + "…" : jobId;
    return new JobException(ErrorKind.MISSING, "job-missing", "no job '" + shown + "'");
  }

  /** A value that jobs do not accept. */
  public static JobException invalid(String code, String message) {
    return new JobException(ErrorKind.INVALID, code, message);
  }
}
