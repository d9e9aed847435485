package io.sluice.functions.function;

import com.fasterxml.jackson.databind.JsonNode;
import io.quarkus.funqy.Funq;
import io.sluice.functions.audit.Caller;
import io.sluice.functions.function.dto.ChangeDocument;
import io.sluice.functions.web.CurrentCaller;
import io.sluice.json.JsonObject;
import io.sluice.manifest.ManifestRepository;
import io.sluice.model.ModelRef;
import io.smallrye.mutiny.Uni;
import jakarta.inject.Inject;

/** Removes a tag, a version or a model; garbage collection deletes: {@code POST /remove}. */
public class RemoveFunction {
  @Inject ManifestRepository manifests;
  @Inject CurrentCaller callers;

  /** Answers with the tags and versions that are gone. */
  @Funq("remove")
  public Uni<JsonNode> remove(JsonNode request) {
    JsonObject json = new JsonObject("remove request", request);
    ModelRef model = ModelRef.parse(json.text("model"));
    boolean force = json.flag("force", false);
    json.end();
    Caller caller = callers.get();
    return OnVirtualThread.call(
        () ->
            caller.call(
                () -> ChangeDocument.removed(model.name(), manifests.remove(model, force))));
  }
}
