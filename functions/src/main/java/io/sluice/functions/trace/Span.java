package io.sluice.functions.trace;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Instant;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * Something that took time.
 *
 * @param context its place in a trace
 * @param parent span that it is below of
 * @param server whether it answers somebody's request
 * @param error why it failed, if it did
 */
record Span(
    TraceContext context,
    Optional<String> parent,
    String name,
    boolean server,
    Instant start,
    Instant end,
    Map<String, String> attributes,
    Optional<String> error) {
  private static final int KIND_INTERNAL = 1;
  private static final int KIND_SERVER = 2;
  private static final int STATUS_ERROR = 2;

  Span {
    Objects.requireNonNull(parent, "parent");
    Objects.requireNonNull(error, "error");
    attributes = Map.copyOf(attributes);
  }

  /** As OTLP says it in JSON. */
  ObjectNode toJson() {
    ObjectNode json =
        JsonNodeFactory.instance
            .objectNode()
            .put("traceId", context.traceId())
            .put("spanId", context.spanId())
            .put("name", name)
            .put("kind", server ? KIND_SERVER : KIND_INTERNAL)
            .put("startTimeUnixNano", nanos(start))
            .put("endTimeUnixNano", nanos(end));
    parent.ifPresent(id -> json.put("parentSpanId", id));
    json.set("attributes", attributes(attributes));
    error.ifPresent(
        message -> json.putObject("status").put("code", STATUS_ERROR).put("message", message));
    return json;
  }

  static ArrayNode attributes(Map<String, String> attributes) {
    ArrayNode list = JsonNodeFactory.instance.arrayNode();
    attributes.forEach(
        (key, value) ->
            list.addObject().put("key", key).putObject("value").put("stringValue", value));
    return list;
  }

  private static String nanos(Instant time) {
    return "%d%09d".formatted(time.getEpochSecond(), time.getNano());
  }
}
