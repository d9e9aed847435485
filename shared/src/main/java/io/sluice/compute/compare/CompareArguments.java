package io.sluice.compute.compare;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.json.JsonObject;
import io.sluice.model.ModelRef;

/**
 * The arguments of {@code compare}.
 *
 * @param with the other model, by tag or version
 */
record CompareArguments(ModelRef with) {
  static CompareArguments read(JsonNode args) {
    JsonObject json = new JsonObject("arguments of 'compare'", args);
    CompareArguments arguments = new CompareArguments(ModelRef.parse(json.text("with")));
    json.end();
    return arguments;
  }
}
