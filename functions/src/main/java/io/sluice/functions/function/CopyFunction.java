package io.sluice.functions.function;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.quarkus.funqy.Funq;
import io.sluice.copy.CopyKind;
import io.sluice.copy.CopySpec;
import io.sluice.functions.audit.Caller;
import io.sluice.functions.config.SluiceConfig;
import io.sluice.functions.engine.JobService;
import io.sluice.functions.web.CurrentCaller;
import io.sluice.json.JsonObject;
import io.smallrye.mutiny.Uni;
import jakarta.inject.Inject;

/** Copies a model from one configured store to another: {@code POST /copy}. */
public class CopyFunction {
  @Inject JobService jobs;
  @Inject SluiceConfig config;
  @Inject CurrentCaller callers;

  /** Answers with the result, or with the job if the caller does not wait. */
  @Funq("copy")
  public Uni<JsonNode> copy(JsonNode request) {
    if (request instanceof ObjectNode fields && !fields.has("from")) {
      fields.put("from", config.store().text());
    }
    JsonObject json = new JsonObject("copy request", request);
    CopySpec spec = CopySpec.read(json);
    boolean wait = json.flag("wait", true);
    json.end();
    Caller caller = callers.get();
    return OnVirtualThread.call(() -> jobs.submit(CopyKind.COPY, spec.toJson(), caller, wait));
  }
}
