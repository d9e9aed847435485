package io.sluice.compute;

import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;

/** The root of the errors of computing. */
public final class ComputeException extends SluiceException {
  private ComputeException(ErrorKind kind, String code, String message) {
    super(kind, code, message);
  }

  /** There is no operation of that name. */
  public static ComputeException unknownOperation(String message) {
    return new ComputeException(ErrorKind.INVALID, "operation-unknown", message);
  }

  /** The arguments of an operation are wrong. */
  public static ComputeException invalidArguments(String message) {
    return new ComputeException(ErrorKind.INVALID, "operation-arguments-invalid", message);
  }

  /** An operation does not take that tensor. */
  public static ComputeException refused(String message) {
    return new ComputeException(ErrorKind.INVALID, "tensor-not-accepted", message);
  }

  /** A training went to infinity. */
  public static ComputeException diverged(String message) {
    return new ComputeException(ErrorKind.INVALID, "training-diverged", message);
  }

  /** What is asked for exceeds a bound; the message names the way around. */
  public static ComputeException tooLarge(String message) {
    return new ComputeException(ErrorKind.INVALID, "batch-too-large", message);
  }

  /** A partial result is not what the operation writes. */
  public static ComputeException invalidPartial(String message) {
    return new ComputeException(ErrorKind.CORRUPT, "partial-result-invalid", message);
  }

  /** No worker has room for what has to be in memory. */
  public static ComputeException noRoom(String message) {
    return new ComputeException(ErrorKind.CAPACITY, "compute-does-not-fit", message);
  }

  /**
   * What a step throws that did not get memory: the plan has seen that what it needs fits at all,
   * so others fill the memory at the moment, and the step is to be tried again. Any other error
   * stays as it is.
   */
  public static SluiceException busy(SluiceException e) {
    return e.kind() == ErrorKind.CAPACITY
        ? new ComputeException(ErrorKind.TRANSIENT, "memory-busy", e.getMessage())
        : e;
  }
}
