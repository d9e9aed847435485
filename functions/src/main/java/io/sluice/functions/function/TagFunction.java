package io.sluice.functions.function;

import com.fasterxml.jackson.databind.JsonNode;
import io.quarkus.funqy.Funq;
import io.sluice.functions.audit.Caller;
import io.sluice.functions.function.dto.ChangeDocument;
import io.sluice.functions.web.CurrentCaller;
import io.sluice.json.JsonObject;
import io.sluice.manifest.ManifestRepository;
import io.sluice.model.Digest;
import io.sluice.model.ModelRef;
import io.smallrye.mutiny.Uni;
import jakarta.inject.Inject;
import java.util.Optional;

/** Moves a tag to a version: {@code POST /tag}. */
public class TagFunction {
  @Inject ManifestRepository manifests;
  @Inject CurrentCaller callers;

  /** Answers with the move. */
  @Funq("tag")
  public Uni<JsonNode> tag(JsonNode request) {
    JsonObject json = new JsonObject("tag request", request);
    ModelRef model = ModelRef.parse(json.text("model"));
    String tag = json.text("tag");
    Optional<Digest> expected = json.optionalText("expect").map(Digest::parse);
    json.end();
    ModelRef.checkTag(tag);
    Caller caller = callers.get();
    return OnVirtualThread.call(() -> caller.call(() -> move(model, tag, expected)));
  }

  private JsonNode move(ModelRef model, String tag, Optional<Digest> expected) {
    Digest version = manifests.resolve(model).version();
    return ChangeDocument.moved(
        model.name(), version, manifests.tag(model.name(), tag, version, expected));
  }
}
