package io.sluice.compute.train;

import io.sluice.compute.ComputeException;

/** Errors about bytes that are not what was written. */
final class Broken {
  private Broken() {}

  static ComputeException partial(String what, long bytes) {
    return ComputeException.invalidPartial(what + " cannot be read from " + bytes + " bytes");
  }
}
