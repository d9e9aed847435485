package io.sluice.functions.engine.lambda;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.functions.problem.Problem;
import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What started an invocation, as the HTTP request that it stands for. Two forms are known: the
 * event of a Function URL or an HTTP API (payload format 2.0), and any other JSON object, which is
 * the input of the one function that this instance exports.
 *
 * @param method HTTP method
 * @param target path and query
 * @param headers in lower case
 * @param body decoded
 * @param http whether the answer is to be an HTTP response
 * @param caller who signed the request, as far as whoever let it in says so
 * @see <a
 *     href="https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html">Payload
 *     format 2.0</a>
 */
record LambdaEvent(
    String method,
    String target,
    Map<String, String> headers,
    byte[] body,
    boolean http,
    Optional<String> caller) {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** Header that names the caller to the server of this process; nobody outside may set it. */
  static final String CALLER = "sluice-caller";

  /** Headers of the way between two hops: they are made anew. */
  private static final Set<String> OF_THE_HOP =
      Set.of(
          "connection", "host", "content-length", "transfer-encoding", "expect", "upgrade", CALLER);

  /**
   * Reads an event.
   *
   * @param export name of the function that an event that is no HTTP request is for
   * @throws SluiceException INVALID
   */
  static LambdaEvent read(byte[] event, Optional<String> export) {
    JsonNode json;
    try {
      json = JSON.readTree(event);
    } catch (IOException e) {
      throw invalid("the event is no JSON");
    }
    if (json == null || !json.isObject()) {
      throw invalid("the event is no JSON object");
    }
    JsonNode http = json.path("requestContext").path("http");
    if (http.isObject()) {
      return http(json, http);
    }
    if (json.path("requestContext").isObject() || json.path("Records").isArray()) {
      throw invalid(
          "the event is neither of payload format 2.0 (Function URL, HTTP API) nor the input of a"
              + " function");
    }
    String function =
        export.orElseThrow(
            () ->
                invalid(
                    "the event is no HTTP request, and quarkus.funqy.export names no function that"
                        + " takes it"));
    return new LambdaEvent(
        "POST",
        "/" + function,
        Map.of("content-type", "application/json"),
        event,
        false,
        Optional.empty());
  }

  private static LambdaEvent http(JsonNode json, JsonNode http) {
    String method = http.path("method").asText("");
    String path = json.path("rawPath").asText(http.path("path").asText(""));
    if (method.isEmpty() || !path.startsWith("/")) {
      throw invalid("the event names no method and path, got '" + method + "' and '" + path + "'");
    }
    String stage = json.path("requestContext").path("stage").asText("$default");
    String prefix = "/" + stage;
    if (!stage.equals("$default") && (path.equals(prefix) || path.startsWith(prefix + "/"))) {
      path = path.length() == prefix.length() ? "/" : path.substring(prefix.length());
    }
    String query = json.path("rawQueryString").asText("");
    Map<String, String> headers = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> header : json.path("headers").properties()) {
      String name = header.getKey().toLowerCase(Locale.ROOT);
      if (!OF_THE_HOP.contains(name)) {
        headers.put(name, header.getValue().asText());
      }
    }
    return new LambdaEvent(
        method,
        query.isEmpty() ? path : path + "?" + query,
        headers,
        body(json),
        true,
        caller(json.path("requestContext").path("authorizer")));
  }

  private static byte[] body(JsonNode json) {
    String body = json.path("body").asText("");
    if (!json.path("isBase64Encoded").asBoolean(false)) {
      return body.getBytes(StandardCharsets.UTF_8);
    }
    try {
      return Base64.getDecoder().decode(body);
    } catch (IllegalArgumentException e) {
      throw invalid("the body of the event is not base64: " + e.getMessage());
    }
  }

  /** Whom IAM, or the claims of a JSON web token, name. */
  private static Optional<String> caller(JsonNode authorizer) {
    for (JsonNode name :
        List.of(
            authorizer.path("iam").path("userArn"),
            authorizer.path("jwt").path("claims").path("sub"))) {
      if (name.isTextual()) {
        return Optional.of(name.textValue());
      }
    }
    return Optional.empty();
  }

  /**
   * The answer as the API wants it.
   *
   * @param status of the HTTP response
   * @param contentType of the body, empty if there is none
   */
  static byte[] answer(int status, Map<String, String> headers, String contentType, byte[] body) {
    ObjectNode json = JsonNodeFactory.instance.objectNode().put("statusCode", status);
    ObjectNode given = json.putObject("headers");
    headers.forEach(given::put);
    boolean text = isText(contentType);
    json.put(
        "body",
        text ? new String(body, StandardCharsets.UTF_8) : Base64.getEncoder().encodeToString(body));
    json.put("isBase64Encoded", !text);
    return bytes(json);
  }

  /** The document of an error of the function itself. */
  static String error(String type, String message) {
    return JsonNodeFactory.instance
        .objectNode()
        .put("errorType", type)
        .put("errorMessage", message)
        .toString();
  }

  private static boolean isText(String contentType) {
    String type = contentType.toLowerCase(Locale.ROOT);
    return type.isEmpty()
        || type.startsWith("text/")
        || type.startsWith("application/json")
        || type.startsWith(Problem.MEDIA_TYPE)
        || type.startsWith("application/yaml")
        || type.startsWith("application/openmetrics-text");
  }

  static byte[] bytes(JsonNode json) {
    try {
      return JSON.writeValueAsBytes(json);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  private static SluiceException invalid(String message) {
    return new SluiceException(ErrorKind.INVALID, "event-invalid", message);
  }
}
