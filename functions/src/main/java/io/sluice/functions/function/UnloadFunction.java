package io.sluice.functions.function;

import com.fasterxml.jackson.databind.JsonNode;
import io.quarkus.funqy.Funq;
import io.sluice.functions.engine.UnloadService;
import io.sluice.json.JsonObject;
import io.sluice.model.ModelRef;
import io.smallrye.mutiny.Uni;
import jakarta.inject.Inject;

/** Frees a model from the memory of all workers: {@code POST /unload}. */
public class UnloadFunction {
  @Inject UnloadService unloads;

  /** Answers with what every worker freed. */
  @Funq("unload")
  public Uni<JsonNode> unload(JsonNode request) {
    JsonObject json = new JsonObject("unload request", request);
    ModelRef model = ModelRef.parse(json.text("model"));
    json.end();
    return OnVirtualThread.call(() -> unloads.unload(model));
  }
}
