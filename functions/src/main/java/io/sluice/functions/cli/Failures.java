package io.sluice.functions.cli;

import io.sluice.functions.web.Problem;
import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;
import java.io.PrintWriter;

/** Errors of commands: one line on standard error, and an exit code. */
final class Failures {
  /** Exit code of a command that was told to end: 128 + SIGINT. */
  static final int INTERRUPTED = 130;

  private Failures() {}

  /**
   * Reports an error.
   *
   * @return the exit code
   */
  static int report(Throwable error, PrintWriter err, boolean verbose) {
    Throwable cause = cause(error);
    if (CommandGuard.interrupted() || cause instanceof InterruptedException) {
      err.println("sluice: interrupted");
      return INTERRUPTED;
    }
    Problem problem = Problem.of(cause);
    err.println(line(problem.detail(), problem.code()));
    if (verbose) {
      error.printStackTrace(err);
    }
    err.flush();
    return Problem.exitCode(cause instanceof SluiceException e ? e.kind() : ErrorKind.FATAL);
  }

  /** The one line of an error. */
  static String line(String message, String code) {
    return "sluice: " + message.strip().replaceAll("\\s*\\R\\s*", "; ") + " (" + code + ")";
  }

  /** The error of Sluice that others have wrapped, if there is one, else the innermost. */
  private static Throwable cause(Throwable error) {
    Throwable at = error;
    while (true) {
      if (at instanceof SluiceException || at instanceof InterruptedException) {
        return at;
      }
      if (at.getCause() == null || at.getCause() == at) {
        return at;
      }
      at = at.getCause();
    }
  }
}
