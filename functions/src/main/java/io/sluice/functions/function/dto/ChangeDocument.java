package io.sluice.functions.function.dto;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.manifest.ManifestRepository;
import io.sluice.manifest.TagMove;
import io.sluice.model.Digest;

/** Changes of what there is as JSON. */
public final class ChangeDocument {
  private ChangeDocument() {}

  /** A tag that was moved to a version. */
  public static ObjectNode moved(String model, Digest version, TagMove move) {
    return JsonNodeFactory.instance
        .objectNode()
        .put("model", model)
        .put("tag", move.tag())
        .put("version", version.toString())
        .put("sequence", move.sequence())
        .put("movedAt", move.movedAt().toString());
  }

  /** Tags and versions that were removed. */
  public static ObjectNode removed(String model, ManifestRepository.Removed removed) {
    ObjectNode json = JsonNodeFactory.instance.objectNode().put("model", model);
    ArrayNode tags = json.putArray("tags");
    removed.tags().forEach(tags::add);
    ArrayNode versions = json.putArray("versions");
    removed.versions().forEach(version -> versions.add(version.toString()));
    return json;
  }
}
