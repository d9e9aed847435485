package io.sluice.event;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.model.Digest;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Objects;
import java.util.Optional;

/**
 * An event of CloudEvents 1.0 with JSON data. Extensions are accepted where events come in, and not
 * kept.
 *
 * @param id distinguishes it from the others of its source
 * @param source where it happened, a URI reference
 * @param type what happened
 * @param subject what it happened to
 * @param time when it happened
 * @param data what is to be known of it; a missing node if there is none
 */
public record CloudEvent(
    String id,
    String source,
    String type,
    Optional<String> subject,
    Optional<Instant> time,
    JsonNode data) {
  /** The version of the specification. */
  public static final String SPEC_VERSION = "1.0";

  /** Longest attribute in characters. */
  public static final int MAX_ATTRIBUTE = 1024;

  public CloudEvent {
    check("id", id);
    check("source", source);
    check("type", type);
    Objects.requireNonNull(subject, "subject");
    Objects.requireNonNull(time, "time");
    Objects.requireNonNull(data, "data");
    subject.ifPresent(text -> check("subject", text));
    try {
      new URI(source);
    } catch (URISyntaxException e) {
      throw EventException.invalid(
          "event-attribute-invalid",
          "the attribute 'source' of an event is a URI reference, got '" + shorten(source) + "'");
    }
  }

  /** The same for every delivery of this event, and for no other event: of source and id. */
  public String key() {
    String both = source.length() + " " + source + id;
    return Digest.sha256(both.getBytes(StandardCharsets.UTF_8)).hex();
  }

  /** The event as one JSON object, as structured mode has it. */
  public ObjectNode toJson() {
    ObjectNode json =
        JsonNodeFactory.instance
            .objectNode()
            .put("specversion", SPEC_VERSION)
            .put("id", id)
            .put("source", source)
            .put("type", type);
    subject.ifPresent(text -> json.put("subject", text));
    time.ifPresent(at -> json.put("time", at.toString()));
    if (!data.isMissingNode()) {
      json.put("datacontenttype", HttpBinding.JSON).set("data", data);
    }
    return json;
  }

  private static void check(String name, String value) {
    Objects.requireNonNull(value, name);
    if (value.isEmpty() || value.length() > MAX_ATTRIBUTE) {
      throw EventException.invalid(
          "event-attribute-invalid",
          "the attribute '"
              + name
              + "' of an event has 1 to "
              + MAX_ATTRIBUTE
              + " characters, got "
              + value.length());
    }
    if (value.chars().anyMatch(Character::isISOControl)) {
      throw EventException.invalid(
          "event-attribute-invalid",
          "the attribute '" + name + "' of an event has no control characters");
    }
  }

  static String shorten(String text) {
    return text.length() <= 80 ? text : text.substring(0, 80) + "…";
  }
}
