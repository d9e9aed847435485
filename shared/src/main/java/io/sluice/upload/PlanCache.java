package io.sluice.upload;

import io.sluice.job.JobContext;

/** Keeps the plan of one job, so that its tasks do not parse it one by one. */
final class PlanCache {
  private String job;
  private UploadPlan plan;

  synchronized UploadPlan of(JobContext context) {
    if (!context.job().id().equals(job)) {
      plan = UploadPlan.read(context.shared());
      job = context.job().id();
    }
    return plan;
  }

  synchronized void forget(String over) {
    if (over.equals(job)) {
      job = null;
      plan = null;
    }
  }
}
