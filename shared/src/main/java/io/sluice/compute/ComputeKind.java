package io.sluice.compute;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.job.CommitOutcome;
import io.sluice.job.Job;
import io.sluice.job.JobContext;
import io.sluice.job.JobKind;
import io.sluice.job.JobPlan;
import io.sluice.job.Lease;
import io.sluice.job.TaskResults;
import java.util.Collection;
import java.util.Map;
import java.util.TreeMap;

/** Computations as jobs: each step goes to the program that the request names. */
public final class ComputeKind implements JobKind {
  /** Name of the kind. */
  public static final String COMPUTE = "compute";

  private final Map<String, ComputeProgram> programs = new TreeMap<>();

  public ComputeKind(Collection<ComputeProgram> programs) {
    for (ComputeProgram program : programs) {
      if (this.programs.put(program.name(), program) != null) {
        throw new IllegalArgumentException("two computations are named '" + program.name() + "'");
      }
    }
  }

  @Override
  public String kind() {
    return COMPUTE;
  }

  @Override
  public JobPlan plan(Job job, JobContext context) throws InterruptedException {
    ComputeSpec spec = ComputeSpec.read(job.request());
    return program(spec).plan(spec, job, context);
  }

  @Override
  public JsonNode execute(Lease.TaskLease task, JobContext context) throws InterruptedException {
    ComputeSpec spec = ComputeSpec.read(context.job().request());
    return program(spec).execute(spec, task, context);
  }

  @Override
  public CommitOutcome commit(Job job, TaskResults results, JobContext context)
      throws InterruptedException {
    ComputeSpec spec = ComputeSpec.read(job.request());
    return program(spec).commit(spec, job, results, context);
  }

  @Override
  public void left(String job) {
    programs.values().forEach(program -> program.left(job));
  }

  private ComputeProgram program(ComputeSpec spec) {
    ComputeProgram program = programs.get(spec.operation());
    if (program == null) {
      throw ComputeException.unknownOperation(
          "no operation '"
              + spec.operation()
              + "'; there are: "
              + String.join(", ", programs.keySet()));
    }
    return program;
  }
}
