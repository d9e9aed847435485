package io.sluice.copy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.json.JsonObject;
import io.sluice.model.Digest;
import io.sluice.model.ErrorKind;
import io.sluice.model.ModelRef;
import java.util.Objects;
import java.util.Optional;

/**
 * What a copy is asked to do.
 *
 * @param model what is copied: the version that a tag names, which the tag then names in the other
 *     store too; a version, without a tag; or, to mirror it, a whole model
 * @param from name of the store to read
 * @param to name of the store to write, another one
 * @param expected if present, the version that the tag must have in the other store before it is
 *     moved
 * @param mirror whether every version and tag of the model is copied
 * @param check whether objects that the other store has already are read and verified, and replaced
 *     if they are not what they should be; else their size is looked at
 */
public record CopySpec(
    ModelRef model,
    String from,
    String to,
    Optional<Digest> expected,
    boolean mirror,
    boolean check) {
  public CopySpec {
    Objects.requireNonNull(model, "model");
    Objects.requireNonNull(expected, "expected");
    if (from.equals(to)) {
      throw invalid("a copy goes from one store to another, got '" + from + "' for both");
    }
    if (mirror && (model.tag().isPresent() || model.version().isPresent())) {
      throw invalid(
          "a mirror has every version and tag of a model, so it takes its name, got '"
              + model
              + "'");
    }
    if (expected.isPresent() && (mirror || model.version().isPresent())) {
      throw invalid("a version is expected of one tag, and this copy moves none or many: " + model);
    }
  }

  private static CopyException invalid(String message) {
    return new CopyException(ErrorKind.INVALID, "copy-invalid", message);
  }

  /** Reads a copy request; unknown fields are the caller's to refuse. */
  public static CopySpec read(JsonObject json) {
    return new CopySpec(
        ModelRef.parse(json.text("model")),
        json.text("from"),
        json.text("to"),
        json.optionalText("expect").map(Digest::parse),
        json.flag("mirror", false),
        json.flag("check", false));
  }

  /** Reads a stored request. */
  public static CopySpec read(JsonNode json) {
    return read(new JsonObject("copy request", json));
  }

  /** The request as JSON. */
  public ObjectNode toJson() {
    ObjectNode json =
        JsonNodeFactory.instance
            .objectNode()
            .put("model", model.toString())
            .put("from", from)
            .put("to", to)
            .put("mirror", mirror)
            .put("check", check);
    expected.ifPresent(version -> json.put("expect", version.toString()));
    return json;
  }
}
