package io.sluice.job;

import io.sluice.model.ErrorKind;

/** The step belongs to somebody else by now, or its job is over: what it does is in vain. */
public final class LeaseLostException extends JobException {
  public LeaseLostException(Lease lease) {
    super(
        ErrorKind.CONFLICT,
        "lease-lost",
        "worker '" + lease.workerId() + "' lost its lease of " + lease.describe());
  }
}
