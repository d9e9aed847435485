package io.sluice.event;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.json.JsonObject;
import io.sluice.manifest.ManifestRepository.Published;
import io.sluice.manifest.ModelManifest;
import io.sluice.manifest.TagMove;
import io.sluice.model.Digest;
import io.sluice.model.ModelRef;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Optional;

/**
 * The event that a version of a model was published. Whoever emits events of this type himself has
 * to give {@code model}; what he leaves out of the rest is taken from the tag.
 *
 * @param model what it names: the version if the event says it, else the tag, else {@code latest}
 */
public record ModelUploaded(ModelRef model) {
  /** The type of these events. */
  public static final String TYPE = "io.sluice.ModelUploaded";

  /** Reads an event of this type. */
  public static ModelUploaded read(CloudEvent event) {
    if (!event.type().equals(TYPE)) {
      throw EventException.invalid(
          "event-type-unknown",
          "events of type '" + TYPE + "' are understood, got '" + event.type() + "'");
    }
    if (!event.data().isObject()) {
      throw EventException.invalid(
          "event-data-invalid",
          "an event of type '" + TYPE + "' has a JSON object as its data, with the field 'model'");
    }
    // Fields that are not known are no error here: emitters may be newer than receivers.
    JsonObject data = new JsonObject("data of a " + TYPE + " event", event.data());
    String name = data.text("model");
    Optional<String> tag = data.optionalText("tag");
    Optional<Digest> version = data.optionalText("version").map(Digest::parse);
    return new ModelUploaded(
        new ModelRef(name, version.isPresent() ? Optional.empty() : tag, version));
  }

  /**
   * The event of a publication: the same for the same move of a tag, however often it is made.
   *
   * @param source who says it
   * @param now when, if no tag was moved
   */
  public static CloudEvent event(
      String source, Published published, ModelManifest manifest, Instant now) {
    ObjectNode data =
        JsonNodeFactory.instance
            .objectNode()
            .put("model", published.name())
            .put("version", published.version().toString());
    published.tag().ifPresent(move -> data.put("tag", move.tag()));
    data.put("S", manifest.totalBytes())
        .put("shards", manifest.shards().size())
        .put("tensors", manifest.tensors().size())
        .put("files", manifest.files().size());
    return new CloudEvent(
        id(published),
        source,
        TYPE,
        Optional.of(published.name()),
        Optional.of(published.tag().map(TagMove::movedAt).orElse(now)),
        data);
  }

  private static String id(Published published) {
    String move = published.tag().map(m -> m.tag() + " " + m.sequence()).orElse("");
    String what = published.name() + " " + published.version() + " " + move;
    return Digest.sha256(what.getBytes(StandardCharsets.UTF_8)).hex();
  }
}
