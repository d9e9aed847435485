package io.sluice.event;

import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Pattern;

/**
 * How a {@link CloudEvent} travels over HTTP: the HTTP protocol binding of CloudEvents 1.0. Reads
 * binary mode (attributes in headers, data in the body) and structured mode (all in one JSON
 * object); writes binary mode. Data is JSON.
 */
public final class HttpBinding {
  /** Largest body of an event in bytes; what every intermediary has to forward. */
  public static final int MAX_BYTES = 64 << 10;

  static final String JSON = "application/json";

  private static final String CONTENT_TYPE = "Content-Type";
  private static final String STRUCTURED = "application/cloudevents+json";
  private static final String ANY_STRUCTURED = "application/cloudevents";
  private static final Pattern JSON_TYPE =
      Pattern.compile("(application/json|text/json|[a-z0-9.-]+/[a-z0-9.-]+\\+json)");
  private static final Pattern EXTENSION = Pattern.compile("[a-z0-9]{1,64}");
  private static final Set<String> CONTEXT =
      Set.of(
          "specversion",
          "id",
          "source",
          "type",
          "subject",
          "time",
          "datacontenttype",
          "dataschema",
          "data",
          "data_base64");
  private static final JsonMapper MAPPER =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private HttpBinding() {}

  /**
   * What to send.
   *
   * @param headers Content-Type among them
   */
  public record Message(Map<String, String> headers, byte[] body) {}

  /**
   * Reads the event of a request.
   *
   * @param header the value of a header by its name in any case
   * @throws EventException of kind INVALID that names what is wrong
   */
  public static CloudEvent read(Function<String, Optional<String>> header, byte[] body) {
    if (body.length > MAX_BYTES) {
      throw EventException.invalid(
          "event-too-large",
          "the body of an event has at most " + MAX_BYTES + " bytes, got " + body.length);
    }
    Optional<String> contentType = header.apply(CONTENT_TYPE);
    String type = contentType.map(HttpBinding::mediaType).orElse("");
    if (type.equals(STRUCTURED)) {
      return structured(json("event-invalid", "an event in structured mode", body));
    }
    if (type.startsWith(ANY_STRUCTURED)) {
      throw EventException.invalid(
          "event-mode-unknown",
          "events come one by one, in binary mode or as "
              + STRUCTURED
              + ", got Content-Type '"
              + CloudEvent.shorten(type)
              + "'");
    }
    return binary(header, contentType, body);
  }

  /** Reads an event from its JSON object. */
  public static CloudEvent structured(JsonNode event) {
    if (!event.isObject()) {
      throw EventException.invalid(
          "event-invalid",
          "an event in structured mode is a JSON object, got a JSON "
              + event.getNodeType().name().toLowerCase(Locale.ROOT));
    }
    event.fieldNames().forEachRemaining(HttpBinding::checkExtension);
    checkVersion(optional(event, "specversion"));
    return new CloudEvent(
        required("id", optional(event, "id")),
        required("source", optional(event, "source")),
        required("type", optional(event, "type")),
        optional(event, "subject"),
        optional(event, "time").map(HttpBinding::time),
        data(event));
  }

  /** The event in binary mode. */
  public static Message write(CloudEvent event) {
    Map<String, String> headers = new LinkedHashMap<>();
    headers.put("ce-specversion", CloudEvent.SPEC_VERSION);
    headers.put("ce-id", encode(event.id()));
    headers.put("ce-source", encode(event.source()));
    headers.put("ce-type", encode(event.type()));
    event.subject().ifPresent(subject -> headers.put("ce-subject", encode(subject)));
    event.time().ifPresent(time -> headers.put("ce-time", time.toString()));
    if (event.data().isMissingNode()) {
      return new Message(headers, new byte[0]);
    }
    headers.put(CONTENT_TYPE, JSON);
    return new Message(headers, event.data().toString().getBytes(StandardCharsets.UTF_8));
  }

  private static CloudEvent binary(
      Function<String, Optional<String>> header, Optional<String> contentType, byte[] body) {
    Function<String, Optional<String>> attribute =
        name -> header.apply("ce-" + name).map(value -> decode(name, value));
    Optional<String> version = attribute.apply("specversion");
    if (version.isEmpty() && attribute.apply("type").isEmpty()) {
      throw EventException.invalid(
          "event-invalid",
          "the request is no CloudEvent: it has neither the headers 'ce-…' nor Content-Type "
              + STRUCTURED);
    }
    checkVersion(version);
    JsonNode data = MissingNode.getInstance();
    if (body.length > 0) {
      checkJson(contentType);
      data = json("event-data-invalid", "the data of an event", body);
    }
    return new CloudEvent(
        required("id", attribute.apply("id")),
        required("source", attribute.apply("source")),
        required("type", attribute.apply("type")),
        attribute.apply("subject"),
        attribute.apply("time").map(HttpBinding::time),
        data);
  }

  private static JsonNode data(JsonNode event) {
    JsonNode plain = event.path("data");
    JsonNode base64 = event.path("data_base64");
    if (!plain.isMissingNode() && !base64.isMissingNode()) {
      throw EventException.invalid(
          "event-data-invalid", "an event has 'data' or 'data_base64', not both");
    }
    Optional<String> contentType = optional(event, "datacontenttype");
    if (contentType.isPresent()) {
      checkJson(contentType);
    }
    if (base64.isMissingNode()) {
      return plain;
    }
    if (!base64.isTextual()) {
      throw EventException.invalid("event-data-invalid", "'data_base64' of an event is a text");
    }
    try {
      byte[] bytes = Base64.getDecoder().decode(base64.textValue());
      return json("event-data-invalid", "the data of an event", bytes);
    } catch (IllegalArgumentException e) {
      throw EventException.invalid(
          "event-data-invalid", "'data_base64' of an event is no Base64: " + e.getMessage());
    }
  }

  private static void checkExtension(String name) {
    if (!CONTEXT.contains(name) && !EXTENSION.matcher(name).matches()) {
      throw EventException.invalid(
          "event-attribute-invalid",
          "the name of an attribute of an event has lower-case letters and digits, got '"
              + CloudEvent.shorten(name)
              + "'");
    }
  }

  private static void checkVersion(Optional<String> version) {
    String found = required("specversion", version);
    if (!found.equals(CloudEvent.SPEC_VERSION)) {
      throw EventException.invalid(
          "event-version-unknown",
          "events are of specversion '"
              + CloudEvent.SPEC_VERSION
              + "', got '"
              + CloudEvent.shorten(found)
              + "'");
    }
  }

  private static void checkJson(Optional<String> contentType) {
    String type = contentType.map(HttpBinding::mediaType).orElse("none");
    if (!JSON_TYPE.matcher(type).matches()) {
      throw EventException.invalid(
          "event-data-invalid",
          "the data of an event is "
              + JSON
              + ", got the content type '"
              + CloudEvent.shorten(type)
              + "'");
    }
  }

  private static String required(String name, Optional<String> value) {
    return value.orElseThrow(
        () ->
            EventException.invalid(
                "event-attribute-missing", "an event needs the attribute '" + name + "'"));
  }

  private static Optional<String> optional(JsonNode event, String name) {
    JsonNode value = event.path(name);
    if (value.isMissingNode() || value.isNull()) {
      return Optional.empty();
    }
    if (!value.isTextual()) {
      throw EventException.invalid(
          "event-attribute-invalid",
          "the attribute '"
              + name
              + "' of an event is a text, got "
              + CloudEvent.shorten(value.toString()));
    }
    return Optional.of(value.textValue());
  }

  private static Instant time(String text) {
    try {
      return OffsetDateTime.parse(text).toInstant();
    } catch (DateTimeException e) {
      throw EventException.invalid(
          "event-attribute-invalid",
          "the attribute 'time' of an event is a timestamp such as 2026-01-31T12:00:00Z, got '"
              + CloudEvent.shorten(text)
              + "'");
    }
  }

  private static JsonNode json(String code, String what, byte[] bytes) {
    try {
      JsonNode node = MAPPER.readTree(bytes);
      return node == null || node.isMissingNode() ? JsonNodeFactory.instance.nullNode() : node;
    } catch (IOException e) {
      // The message of the parser would quote the data, which may be long or secret.
      throw EventException.invalid(
          code, what + " is one JSON document without duplicate fields; this one is not");
    }
  }

  /** Type and subtype, without parameters. */
  private static String mediaType(String contentType) {
    int end = contentType.indexOf(';');
    String type = end < 0 ? contentType : contentType.substring(0, end);
    return type.strip().toLowerCase(Locale.ROOT);
  }

  /** Percent-encodes what headers do not carry. */
  private static String encode(String value) {
    StringBuilder text = new StringBuilder(value.length());
    for (byte b : value.getBytes(StandardCharsets.UTF_8)) {
      if (b > 0x20 && b < 0x7f && b != '"' && b != '%') {
        text.append((char) b);
      } else {
        text.append(String.format(Locale.ROOT, "%%%02X", b & 0xff));
      }
    }
    return text.toString();
  }

  private static String decode(String name, String header) {
    String value = header;
    if (value.length() >= 2 && value.startsWith("\"") && value.endsWith("\"")) {
      value = value.substring(1, value.length() - 1).replaceAll("\\\\(.)", "$1");
    }
    if (value.indexOf('%') < 0) {
      return value;
    }
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    for (int i = 0; i < value.length(); i++) {
      if (value.charAt(i) != '%') {
        bytes.writeBytes(value.substring(i, i + 1).getBytes(StandardCharsets.UTF_8));
        continue;
      }
      int high = i + 2 < value.length() ? Character.digit(value.charAt(i + 1), 16) : -1;
      int low = i + 2 < value.length() ? Character.digit(value.charAt(i + 2), 16) : -1;
      if (high < 0 || low < 0) {
        throw badEncoding(name);
      }
      bytes.write(high << 4 | low);
      i += 2;
    }
    try {
      return StandardCharsets.UTF_8
          .newDecoder()
          .decode(ByteBuffer.wrap(bytes.toByteArray()))
          .toString();
    } catch (CharacterCodingException e) {
      throw badEncoding(name);
    }
  }

  private static EventException badEncoding(String name) {
    return EventException.invalid(
        "event-attribute-invalid", "the header 'ce-" + name + "' is not percent-encoded UTF-8");
  }
}
