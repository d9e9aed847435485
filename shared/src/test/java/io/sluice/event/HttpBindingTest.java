package io.sluice.event;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.MissingNode;
import io.sluice.model.ErrorKind;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HttpBindingTest {
  private static final JsonNode DATA = JsonNodeFactory.instance.objectNode().put("model", "m");
  private static final Instant TIME = Instant.parse("2026-01-31T12:00:00.123Z");
  private static final String STRUCTURED = "application/cloudevents+json";

  private static CloudEvent event(String id, String subject, JsonNode data) {
    return new CloudEvent(
        id, "/ci", "io.sluice.ModelUploaded", Optional.of(subject), Optional.of(TIME), data);
  }

  private static CloudEvent read(Map<String, String> headers, String body) {
    return read(headers, body.getBytes(StandardCharsets.UTF_8));
  }

  private static CloudEvent read(Map<String, String> headers, byte[] body) {
    Map<String, String> anyCase = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    anyCase.putAll(headers);
    return HttpBinding.read(name -> Optional.ofNullable(anyCase.get(name)), body);
  }

  private static CloudEvent structured(String json) {
    return read(Map.of("Content-Type", STRUCTURED + "; charset=UTF-8"), json);
  }

  /** The headers of an event, some of them set otherwise or, with an empty value, left out. */
  private static Map<String, String> binary(String... changes) {
    Map<String, String> headers = new HashMap<>();
    headers.put("CE-SpecVersion", "1.0");
    headers.put("CE-Id", "7");
    headers.put("CE-Source", "/ci");
    headers.put("CE-Type", "t");
    headers.put("Content-Type", "application/json; charset=utf-8");
    for (int i = 0; i < changes.length; i += 2) {
      headers.put(changes[i], changes[i + 1]);
    }
    headers.values().removeIf(String::isEmpty);
    return headers;
  }

  @Test
  void whatIsWrittenIsReadAgain() {
    for (String name : new String[] {"org/model", "100% \"größer\"", "模型 😀", "a\\b", "%41"}) {
      for (JsonNode data : new JsonNode[] {DATA, MissingNode.getInstance()}) {
        CloudEvent event = event(name, name, data);
        HttpBinding.Message message = HttpBinding.write(event);
        assertThat(message.headers().values()).allMatch(value -> value.matches("[\\x20-\\x7e]+"));
        assertThat(read(message.headers(), message.body())).isEqualTo(event);
        assertThat(structured(event.toJson().toString())).isEqualTo(event);
        assertThat(HttpBinding.structured(event.toJson())).isEqualTo(event);
      }
    }
  }

  @Test
  void binaryModeIsAsTheSpecificationHasIt() {
    HttpBinding.Message message = HttpBinding.write(event("a b", "Euro € 😀", DATA));
    assertThat(message.headers())
        .containsExactlyInAnyOrderEntriesOf(
            Map.of(
                "ce-specversion", "1.0",
                "ce-id", "a%20b",
                "ce-source", "/ci",
                "ce-type", "io.sluice.ModelUploaded",
                "ce-subject", "Euro%20%E2%82%AC%20%F0%9F%98%80",
                "ce-time", "2026-01-31T12:00:00.123Z",
                "Content-Type", "application/json"));
    assertThat(message.body()).asString(StandardCharsets.UTF_8).isEqualTo("{\"model\":\"m\"}");
  }

  @Test
  void quotesExtensionsAndOffsetsAreUnderstood() {
    CloudEvent event =
        read(
            binary(
                "ce-subject", "\"a \\\"b\\\"%20c\"",
                "ce-time", "2026-01-31T13:00:00.123+01:00",
                "ce-traceparent", "00-1-2-01",
                "Content-Type", "application/vnd.me+json"),
            "[1]");
    assertThat(event.subject()).contains("a \"b\" c");
    assertThat(event.time()).contains(TIME);
    assertThat(event.data().toString()).isEqualTo("[1]");
    assertThat(
            structured(
                    """
                    {"specversion": "1.0", "id": "7", "source": "/ci", "type": "t", "subject": null,
                     "traceparent": "00-1-2-01", "sampled": true, "data_base64": "%s"}
                    """
                        .formatted(Base64.getEncoder().encodeToString("{\"a\":1}".getBytes())))
                .data()
                .get("a")
                .intValue())
        .isEqualTo(1);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "ce-id          |                 | event-attribute-missing | 'id'",
        "ce-source      |                 | event-attribute-missing | 'source'",
        "ce-type        |                 | event-attribute-missing | 'type'",
        "ce-specversion |                 | event-attribute-missing | 'specversion'",
        "ce-specversion | 0.3             | event-version-unknown   | '1.0', got '0.3'",
        "ce-time        | yesterday       | event-attribute-invalid | got 'yesterday'",
        "ce-id          | %zz             | event-attribute-invalid | 'ce-id'",
        "ce-id          | a%2             | event-attribute-invalid | 'ce-id'",
        "ce-id          | %ff             | event-attribute-invalid | 'ce-id'",
        "ce-id          | %0a             | event-attribute-invalid | 'id'",
        "ce-source      | not%20a%20uri   | event-attribute-invalid | got 'not a uri'",
        "Content-Type   | text/plain      | event-data-invalid      | 'text/plain'",
        "Content-Type   |                 | event-data-invalid      | 'none'",
        "Content-Type   | application/cloudevents+xml        | event-mode-unknown | +xml'",
        "Content-Type   | application/cloudevents-batch+json | event-mode-unknown | one by one",
      })
  void badEventsInBinaryModeAreNamed(String header, String value, String code, String message) {
    refused(
        () -> {
          Map<String, String> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
          headers.putAll(binary());
          headers.remove(header);
          if (value != null) {
            headers.put(header, value);
          }
          read(headers, "{}");
        },
        code,
        message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "[]                                          | event-invalid           | JSON array",
        "{                                           | event-invalid           | one JSON",
        "{\"id\":\"1\",\"id\":\"1\"}                 | event-invalid           | duplicate",
        "{}                                          | event-attribute-missing | 'specversion'",
        "{\"specversion\":1.0}                       | event-attribute-invalid | got 1.0",
        "{\"specversion\":\"1.0\"}                   | event-attribute-missing | 'id'",
        "{\"specversion\":\"1.0\",\"id\":\"\"        | event-attribute-invalid | 1 to 1024",
        "{\"specversion\":\"1.0\",\"A-b\":1}         | event-attribute-invalid | got 'A-b'",
        "{\"specversion\":\"1.0\",\"id\":\"1\",\"data\":1,\"data_base64\":\"\""
            + " | event-data-invalid | not both",
        "{\"specversion\":\"1.0\",\"id\":\"1\",\"data_base64\":\"?\"|event-data-invalid|Base64",
        "{\"specversion\":\"1.0\",\"id\":\"1\",\"data_base64\":5   |event-data-invalid|is a text",
        "{\"specversion\":\"1.0\",\"id\":\"1\",\"data_base64\":\"e3s=\"|event-data-invalid|JSON",
        "{\"specversion\":\"1.0\",\"id\":\"1\",\"datacontenttype\":\"text/plain\""
            + " | event-data-invalid | text/plain",
      })
  void badEventsInStructuredModeAreNamed(String json, String code, String message) {
    String whole =
        json.endsWith("}") || !json.startsWith("{\"")
            ? json
            : json + ",\"source\":\"/ci\",\"type\":\"t\"}";
    refused(() -> structured(whole), code, message);
  }

  @Test
  void whatIsNoEventOrTooLargeIsRefused() {
    refused(() -> read(Map.of("Content-Type", "application/json"), "{}"), "event-invalid", "ce-…");
    refused(() -> read(Map.of(), ""), "event-invalid", "no CloudEvent");
    refused(() -> read(binary(), "{\"a\":1,\"a\":2}"), "event-data-invalid", "duplicate");
    refused(() -> read(binary(), "{} {}"), "event-data-invalid", "one JSON document");
    refused(
        () -> read(binary(), new byte[HttpBinding.MAX_BYTES + 1]),
        "event-too-large",
        "65536 bytes, got 65537");
    refused(
        () -> read(binary("CE-Id", "x".repeat(1025)), "{}"),
        "event-attribute-invalid",
        "1024 characters, got 1025");
    assertThat(read(binary("CE-Id", "x".repeat(1024)), "{}").id()).hasSize(1024);
    assertThat(read(binary("Content-Type", ""), "").data().isMissingNode()).isTrue();
  }

  @Test
  void anEventIsKnownBySourceAndId() {
    CloudEvent event = new CloudEvent("1", "/a", "t", Optional.empty(), Optional.empty(), DATA);
    CloudEvent other = new CloudEvent("1", "/a", "u", Optional.empty(), Optional.empty(), DATA);
    assertThat(event.key()).isEqualTo(other.key());
    for (String[] both : new String[][] {{"2", "/a"}, {"1", "/b"}, {"a1", "/"}}) {
      assertThat(
              new CloudEvent(both[0], both[1], "t", Optional.empty(), Optional.empty(), DATA).key())
          .isNotEqualTo(event.key());
    }
  }

  private static void refused(Runnable read, String code, String message) {
    assertThatThrownBy(read::run)
        .isInstanceOfSatisfying(
            EventException.class,
            e -> {
              assertThat(e.code()).isEqualTo(code);
              assertThat(e.kind()).isEqualTo(ErrorKind.INVALID);
            })
        .hasMessageContaining(message);
  }
}
