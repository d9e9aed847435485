package io.sluice.functions.function;

import com.fasterxml.jackson.databind.JsonNode;
import io.quarkus.funqy.Funq;
import io.sluice.functions.engine.UnloadService;
import io.sluice.json.JsonObject;
import io.sluice.model.Digest;
import io.smallrye.mutiny.Uni;
import jakarta.inject.Inject;

/** The worker's side of unload: frees what it holds of one version. {@code POST /release}. */
public class ReleaseFunction {
  @Inject UnloadService unloads;

  /** Answers with what this worker freed. */
  @Funq("release")
  public Uni<JsonNode> release(JsonNode request) {
    JsonObject json = new JsonObject("release request", request);
    Digest version = Digest.parse(json.text("version"));
    json.end();
    return OnVirtualThread.call(() -> unloads.release(version));
  }
}
