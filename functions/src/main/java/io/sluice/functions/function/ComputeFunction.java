package io.sluice.functions.function;

import com.fasterxml.jackson.databind.JsonNode;
import io.quarkus.funqy.Funq;
import io.sluice.compute.ComputeKind;
import io.sluice.compute.ComputeSpec;
import io.sluice.functions.audit.Caller;
import io.sluice.functions.auth.AccessTable;
import io.sluice.functions.engine.JobService;
import io.sluice.functions.web.CurrentCaller;
import io.sluice.json.JsonObject;
import io.smallrye.mutiny.Uni;
import jakarta.inject.Inject;

/** Computes on a model, shard by shard where they lie: {@code POST /compute}. */
public class ComputeFunction {
  @Inject JobService jobs;
  @Inject CurrentCaller callers;

  /** Answers with the result, or with the job if the caller does not wait. */
  @Funq("compute")
  public Uni<JsonNode> compute(JsonNode request) {
    JsonObject json = new JsonObject("compute request", request);
    ComputeSpec spec = ComputeSpec.read(json);
    boolean wait = json.flag("wait", true);
    json.end();
    Caller caller = caller(spec);
    return OnVirtualThread.call(
        () -> jobs.submit(ComputeKind.COMPUTE, spec.toJson(), caller, wait));
  }

  /** Every operation that stores what it computes names the model by {@code output}. */
  private Caller caller(ComputeSpec spec) {
    return spec.arguments().has("output")
        ? callers.require(
            AccessTable.storing(), "'" + spec.operation() + "' with an output that is stored")
        : callers.get();
  }
}
