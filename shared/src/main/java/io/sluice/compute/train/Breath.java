package io.sluice.compute.train;

import io.sluice.job.JobContext;

/**
 * What a task does after each block of rows: it looks whether it is in vain, and lets other virtual
 * threads run, those above all that renew leases.
 */
final class Breath {
  private Breath() {}

  static Runnable of(JobContext context) {
    return () -> {
      context.check();
      Thread.yield();
    };
  }
}
