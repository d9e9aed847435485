package io.sluice.functions.function;

import com.fasterxml.jackson.databind.JsonNode;
import io.quarkus.funqy.Funq;
import io.sluice.functions.audit.Caller;
import io.sluice.functions.engine.JobService;
import io.sluice.functions.web.CurrentCaller;
import io.sluice.json.JsonObject;
import io.sluice.load.LoadKind;
import io.sluice.load.LoadSpec;
import io.smallrye.mutiny.Uni;
import jakarta.inject.Inject;

/** Loads a model into the memory of the workers: {@code POST /load}. */
public class LoadFunction {
  @Inject JobService jobs;
  @Inject CurrentCaller callers;

  /** Answers with the result, or with the job if the caller does not wait. */
  @Funq("load")
  public Uni<JsonNode> load(JsonNode request) {
    JsonObject json = new JsonObject("load request", request);
    LoadSpec spec = LoadSpec.read(json);
    boolean wait = json.flag("wait", true);
    json.end();
    Caller caller = callers.get();
    return OnVirtualThread.call(() -> jobs.submit(LoadKind.LOAD, spec.toJson(), caller, wait));
  }
}
