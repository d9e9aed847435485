package io.sluice.compute;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.json.JsonObject;
import io.sluice.model.ModelRef;
import java.util.Objects;

/**
 * A tensor that lies in the store, as an argument: {@code {"model": "name:tag", "tensor": "t"}}.
 * What is too large for a request is given by reference.
 *
 * @param model the model, by tag or version
 * @param tensor name of the tensor
 */
public record TensorRef(ModelRef model, String tensor) {
  public TensorRef {
    Objects.requireNonNull(model, "model");
    Objects.requireNonNull(tensor, "tensor");
  }

  /**
   * Reads a reference.
   *
   * @param what the argument, for messages
   */
  public static TensorRef read(String what, JsonNode json) {
    JsonObject object = new JsonObject(what, json);
    TensorRef ref = new TensorRef(ModelRef.parse(object.text("model")), object.text("tensor"));
    object.end();
    return ref;
  }
}
