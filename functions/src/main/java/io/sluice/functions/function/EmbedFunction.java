package io.sluice.functions.function;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.quarkus.funqy.Funq;
import io.sluice.compute.embed.EmbedRequest;
import io.sluice.compute.embed.Embedder;
import io.sluice.json.JsonObject;
import io.sluice.model.ModelRef;
import io.smallrye.mutiny.Uni;
import jakarta.inject.Inject;

/**
 * Embeds texts at once, without a job: {@code POST /embed}. A job ({@code /compute}) is for many.
 */
public class EmbedFunction {
  @Inject Embedder embedder;

  /** Answers with a vector a text. */
  @Funq("embed")
  public Uni<JsonNode> embed(JsonNode request) {
    JsonObject json = new JsonObject("embed request", request);
    ModelRef model = ModelRef.parse(json.text("model"));
    EmbedRequest embed = EmbedRequest.read(json);
    json.end();
    return OnVirtualThread.call(
        () -> {
          long start = System.nanoTime();
          ObjectNode answer = embedder.embed(model, embed).toJson(embed.base64());
          return answer.put("seconds", (System.nanoTime() - start) / 1000 / 1e6);
        });
  }
}
