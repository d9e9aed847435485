package io.sluice.functions.cli;

import io.quarkus.runtime.configuration.ConfigurationException;
import io.sluice.functions.problem.Problem;
import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;
import io.smallrye.config.ConfigValidationException;
import java.io.PrintWriter;
import java.net.BindException;
import java.nio.file.InvalidPathException;
import java.util.concurrent.atomic.AtomicBoolean;

/** Errors of commands: one line on standard error, and an exit code. */
final class Failures {
  /** Exit code of a command that was told to end: 128 + SIGINT. */
  static final int INTERRUPTED = 130;

  private static final AtomicBoolean TOLD = new AtomicBoolean();

  private Failures() {}

  /**
   * Reports an error.
   *
   * @return the exit code
   */
  static int report(Throwable error, PrintWriter err, boolean verbose) {
    Throwable cause = cause(error);
    if (CommandGuard.interrupted() || cause instanceof InterruptedException) {
      if (TOLD.compareAndSet(false, true)) {
        err.println("sluice: interrupted");
      }
      return INTERRUPTED;
    }
    Throwable known = known(cause);
    Problem problem = Problem.of(known);
    err.println(line(problem.detail(), problem.code()));
    if (verbose) {
      error.printStackTrace(err);
    }
    err.flush();
    return Problem.exitCode(known instanceof SluiceException e ? e.kind() : ErrorKind.FATAL);
  }

  /** Errors of others that are no defects. */
  private static Throwable known(Throwable cause) {
    return switch (cause) {
      case ConfigValidationException e -> invalid("config-invalid", problems(e), e);
      case ConfigurationException e -> invalid("config-invalid", e.getMessage(), e);
      case BindException e -> invalid("port-taken", "cannot listen: " + e.getMessage(), e);
      case InvalidPathException e -> invalid("path-invalid", e.getMessage(), e);
      default -> cause;
    };
  }

  private static String problems(ConfigValidationException error) {
    StringBuilder problems = new StringBuilder();
    for (int i = 0; i < error.getProblemCount(); i++) {
      problems
          .append(i == 0 ? "" : "; ")
          .append(error.getProblem(i).getMessage().replaceAll("[A-Za-z.]*Exception: ", ""));
    }
    return problems.toString();
  }

  private static SluiceException invalid(String code, String message, Exception cause) {
    return new SluiceException(ErrorKind.INVALID, code, message, cause);
  }

  /** The one line of an error. */
  static String line(String message, String code) {
    return "sluice: " + message.strip().replaceAll("\\s*\\R\\s*", "; ") + " (" + code + ")";
  }

  /** The error of Sluice that others have wrapped, if there is one, else the innermost. */
  private static Throwable cause(Throwable error) {
    Throwable at = error;
    while (true) {
      if (at instanceof SluiceException || at instanceof InterruptedException || known(at) != at) {
        return at;
      }
      if (at.getCause() == null || at.getCause() == at) {
        return at;
      }
      at = at.getCause();
    }
  }
}
