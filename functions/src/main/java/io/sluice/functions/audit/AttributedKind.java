package io.sluice.functions.audit;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.job.CommitOutcome;
import io.sluice.job.Job;
import io.sluice.job.JobContext;
import io.sluice.job.JobKind;
import io.sluice.job.JobPlan;
import io.sluice.job.Lease;
import io.sluice.job.TaskResults;
import java.util.Optional;

/** Commits jobs on behalf of who has asked for them: commits are what publishes. */
public final class AttributedKind implements JobKind {
  private final JobKind kind;

  public AttributedKind(JobKind kind) {
    this.kind = kind;
  }

  @Override
  public String kind() {
    return kind.kind();
  }

  @Override
  public JobPlan plan(Job job, JobContext context) throws InterruptedException {
    return kind.plan(job, context);
  }

  @Override
  public JsonNode execute(Lease.TaskLease task, JobContext context) throws InterruptedException {
    return kind.execute(task, context);
  }

  @Override
  public CommitOutcome commit(Job job, TaskResults results, JobContext context)
      throws InterruptedException {
    Optional<Caller> caller = Caller.of(job.request());
    if (caller.isEmpty()) {
      return kind.commit(job, results, context);
    }
    return caller.get().call(() -> kind.commit(job, results, context));
  }

  @Override
  public void left(String job) {
    kind.left(job);
  }
}
