package io.sluice.functions.trace;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.job.CommitOutcome;
import io.sluice.job.Job;
import io.sluice.job.JobContext;
import io.sluice.job.JobKind;
import io.sluice.job.JobPlan;
import io.sluice.job.Lease;
import io.sluice.job.TaskResults;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Makes a span of each step of a job, below that of the job, whichever worker does it: the request
 * of the job says where in a trace it was asked for.
 */
public final class TracedKind implements JobKind {
  private static final String FIELD = TraceContext.HEADER;

  private final JobKind kind;
  private final Tracer tracer;

  public TracedKind(JobKind kind, Tracer tracer) {
    this.kind = kind;
    this.tracer = tracer;
  }

  /** Notes a place in a trace in the request of a job. */
  public static ObjectNode noteIn(ObjectNode request, Optional<TraceContext> trace) {
    trace.ifPresent(place -> request.put(FIELD, place.header()));
    return request;
  }

  /** The place in a trace that is noted in the request of a job. */
  public static Optional<TraceContext> trace(JsonNode request) {
    return TraceContext.parse(request.path(FIELD).asText());
  }

  private interface Step<T> {
    T run() throws InterruptedException;
  }

  @Override
  public String kind() {
    return kind.kind();
  }

  @Override
  public JobPlan plan(Job job, JobContext context) throws InterruptedException {
    return traced("plan", context, Map.of(), () -> kind.plan(job, context));
  }

  @Override
  public JsonNode execute(Lease.TaskLease task, JobContext context) throws InterruptedException {
    return traced(
        "task",
        context,
        Map.of(
            "sluice.task", task.task().name(), "sluice.attempt", Integer.toString(task.attempt())),
        () -> kind.execute(task, context));
  }

  @Override
  public CommitOutcome commit(Job job, TaskResults results, JobContext context)
      throws InterruptedException {
    CommitOutcome outcome =
        traced("commit", context, Map.of(), () -> kind.commit(job, results, context));
    if (outcome instanceof CommitOutcome.Done) {
      trace(job).ifPresent(trace -> tracer.job(trace, job));
    }
    return outcome;
  }

  @Override
  public void left(String job) {
    kind.left(job);
  }

  private <T> T traced(
      String name, JobContext context, Map<String, String> attributes, Step<T> step)
      throws InterruptedException {
    Job job = context.job();
    Optional<TraceContext> trace = trace(job);
    if (trace.isEmpty()) {
      return step.run();
    }
    Tracer.Running span = tracer.step(trace.get(), job.id(), job.kind() + " " + name);
    Map<String, String> known = new HashMap<>(attributes);
    known.put("sluice.job", job.id());
    known.put("sluice.worker", context.workerId());
    Optional<String> error = Optional.empty();
    try {
      return step.run();
    } catch (InterruptedException | RuntimeException e) {
      error = Optional.of(Tracer.code(e));
      throw e;
    } finally {
      span.end(known, error);
    }
  }

  private Optional<TraceContext> trace(Job job) {
    return tracer.on() ? trace(job.request()) : Optional.empty();
  }
}
