package io.sluice.functions.engine.lambda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Events as AWS documents them. */
class LambdaEventTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @Test
  void aFunctionUrlsEventIsItsRequest() throws IOException {
    LambdaEvent event = LambdaEvent.read(sample("function-url"), Optional.of("load"));
    assertThat(event.method()).isEqualTo("POST");
    assertThat(event.target()).isEqualTo("/load?trace=1&name=a%20b");
    assertThat(event.http()).isTrue();
    assertThat(event.headers())
        .containsEntry("content-type", "application/json")
        .containsEntry("x-forwarded-for", "203.0.113.7")
        .doesNotContainKeys("host", "content-length", "sluice-caller");
    assertThat(new String(event.body(), StandardCharsets.UTF_8))
        .isEqualTo("{\"model\":\"llama\",\"wait\":false}");
    assertThat(event.caller()).contains("arn:aws:iam::123456789012:user/engineer");
  }

  @Test
  void anHttpApisEventLosesItsStageAndItsBase64() throws IOException {
    LambdaEvent event = LambdaEvent.read(sample("http-api"), Optional.empty());
    assertThat(event.target()).isEqualTo("/compute");
    assertThat(event.headers()).containsKey("authorization");
    assertThat(new String(event.body(), StandardCharsets.UTF_8)).isEqualTo("{\"model\":\"llama\"}");
    assertThat(event.caller()).contains("team-a");
  }

  @Test
  void anyOtherObjectIsTheInputOfTheOneFunction() {
    byte[] input = bytes("{\"job\":\"j-1\",\"workers\":8}");
    LambdaEvent event = LambdaEvent.read(input, Optional.of("work"));
    assertThat(event.method()).isEqualTo("POST");
    assertThat(event.target()).isEqualTo("/work");
    assertThat(event.body()).isEqualTo(input);
    assertThat(event.http()).isFalse();
    assertThatThrownBy(() -> LambdaEvent.read(input, Optional.empty()))
        .isInstanceOfSatisfying(
            SluiceException.class, e -> assertThat(e.code()).isEqualTo("event-invalid"))
        .hasMessageContaining("quarkus.funqy.export");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "[1]",
        "\"text\"",
        "{",
        "{\"Records\":[{\"eventSource\":\"aws:s3\"}]}",
        "{\"requestContext\":{\"httpMethod\":\"GET\"},\"path\":\"/load\"}",
        "{\"rawPath\":\"load\",\"requestContext\":{\"http\":{\"method\":\"GET\"}}}",
        "{\"rawPath\":\"/load\",\"requestContext\":{\"http\":{}}}",
        "{\"rawPath\":\"/\",\"requestContext\":{\"http\":{\"method\":\"POST\"}},"
            + "\"isBase64Encoded\":true,\"body\":\"*\"}"
      })
  void whatIsNoRequestIsInvalid(String event) {
    assertThatThrownBy(() -> LambdaEvent.read(bytes(event), Optional.of("load")))
        .isInstanceOfSatisfying(
            SluiceException.class,
            e -> {
              assertThat(e.kind()).isEqualTo(ErrorKind.INVALID);
              assertThat(e.code()).isEqualTo("event-invalid");
            });
  }

  @Test
  void anAnswerIsTextOrBase64() throws IOException {
    JsonNode text =
        JSON.readTree(
            LambdaEvent.answer(
                404,
                Map.of("content-type", "application/problem+json"),
                "application/problem+json",
                bytes("{\"status\":404}")));
    assertThat(text.get("statusCode").intValue()).isEqualTo(404);
    assertThat(text.get("body").textValue()).isEqualTo("{\"status\":404}");
    assertThat(text.get("isBase64Encoded").booleanValue()).isFalse();
    JsonNode binary =
        JSON.readTree(
            LambdaEvent.answer(200, Map.of(), "application/octet-stream", new byte[] {1, 2, -1}));
    assertThat(binary.get("isBase64Encoded").booleanValue()).isTrue();
    assertThat(binary.get("body").binaryValue()).isEqualTo(new byte[] {1, 2, -1});
  }

  static byte[] sample(String name) throws IOException {
    try (InputStream in = LambdaEventTest.class.getResourceAsStream("/lambda/" + name + ".json")) {
      return in.readAllBytes();
    }
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
