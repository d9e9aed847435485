package io.sluice.acceptance;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.restassured.config.HttpClientConfig;
import io.restassured.config.RestAssuredConfig;
import io.restassured.response.Response;
import io.restassured.specification.RequestSpecification;
import java.net.URI;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** The HTTP interface of one worker. */
final class Api {
  static final ObjectMapper JSON = new ObjectMapper();

  private static final Set<String> OVER = Set.of("succeeded", "failed", "cancelled");
  private static final RestAssuredConfig CONFIG =
      RestAssuredConfig.config()
          .httpClient(
              HttpClientConfig.httpClientConfig()
                  .setParam("http.connection.timeout", 60_000)
                  .setParam("http.socket.timeout", (int) Await.LONG.toMillis()));

  private final URI base;
  private final Optional<String> token;

  /** Of a server that asks for no token. */
  Api(URI base) {
    this(base, Optional.empty());
  }

  /** With a token in each request. */
  Api(URI base, Optional<String> token) {
    this.base = base;
    this.token = token;
  }

  /** The same server with another token. */
  Api as(Optional<String> other) {
    return new Api(base, other);
  }

  URI base() {
    return base;
  }

  /** An object of pairs of keys and values. */
  static ObjectNode object(Object... pairs) {
    ObjectNode object = JsonNodeFactory.instance.objectNode();
    for (int i = 0; i < pairs.length; i += 2) {
      object.set((String) pairs[i], JSON.valueToTree(pairs[i + 1]));
    }
    return object;
  }

  RequestSpecification request() {
    RequestSpecification request =
        given().config(CONFIG).baseUri(base.toString()).urlEncodingEnabled(false);
    token.ifPresent(value -> request.header("Authorization", "Bearer " + value));
    return request;
  }

  Response get(String path) {
    return request().get(path);
  }

  Response post(String path, JsonNode body) {
    return post(path, body.toString());
  }

  Response post(String path, String body) {
    return request().contentType("application/json").body(body).post(path);
  }

  /** The document of an answer that has to be a success. */
  static JsonNode ok(Response response) {
    assertThat(response.statusCode()).as(response.asString()).isEqualTo(200);
    assertThat(response.contentType()).startsWith("application/json");
    return parse(response.asString());
  }

  /** The problem document of an answer that has to be this error. */
  static JsonNode problem(Response response, int status, String code) {
    String text = response.asString();
    assertThat(response.statusCode()).as(text).isEqualTo(status);
    assertThat(response.contentType()).as(text).isEqualTo("application/problem+json");
    JsonNode problem = parse(text);
    assertThat(problem.get("code").textValue()).as(text).isEqualTo(code);
    assertThat(problem.get("status").intValue()).isEqualTo(status);
    assertThat(problem.get("type").textValue()).isEqualTo("about:blank");
    assertThat(problem.get("title").textValue()).isNotBlank();
    assertThat(problem.get("kind").textValue()).isNotBlank();
    assertThat(problem.get("detail").textValue()).isNotBlank();
    return problem;
  }

  static JsonNode parse(String text) {
    try {
      return JSON.readTree(text);
    } catch (JsonProcessingException e) {
      throw new AssertionError("no JSON: " + text, e);
    }
  }

  /** Uploads and waits; further fields as pairs. */
  JsonNode upload(String source, String model, Object... fields) {
    ObjectNode body = object("source", source, "model", model);
    body.setAll(object(fields));
    return ok(post("/upload", body));
  }

  /** Loads and waits; further fields as pairs. */
  JsonNode load(String model, Object... fields) {
    ObjectNode body = object("model", model);
    body.setAll(object(fields));
    return ok(post("/load", body));
  }

  /** Computes statistics and waits; further fields as pairs. */
  JsonNode stats(String model, Object... fields) {
    ObjectNode body = object("model", model, "operation", "stats");
    body.setAll(object(fields));
    return ok(post("/compute", body));
  }

  JsonNode unload(String model) {
    return ok(post("/unload", object("model", model)));
  }

  /** Starts a job and returns its id. */
  String start(String path, JsonNode body) {
    ObjectNode request = body.deepCopy();
    JsonNode job = ok(post(path, request.put("wait", false)));
    assertThat(job.get("state").textValue()).isNotBlank();
    return job.get("id").textValue();
  }

  JsonNode job(String id) {
    return ok(get("/jobs/" + id));
  }

  /** Waits until a job is over. */
  JsonNode awaitJob(String id) {
    return Await.until("the end of job " + id, () -> Optional.of(job(id)).filter(Api::isOver));
  }

  static boolean isOver(JsonNode job) {
    return OVER.contains(job.get("state").textValue());
  }

  /** The result of a job that has to succeed. */
  JsonNode awaitResult(String id) {
    JsonNode job = awaitJob(id);
    assertThat(job.get("state").textValue()).as(job.toString()).isEqualTo("succeeded");
    return job.get("result");
  }

  /** A version of a model with everything in it. */
  JsonNode model(String name) {
    return ok(get("/models/" + name));
  }

  /** Live workers by id. */
  Map<String, JsonNode> workers() {
    Map<String, JsonNode> workers = new LinkedHashMap<>();
    ok(get("/workers")).get("workers").forEach(w -> workers.put(w.get("id").textValue(), w));
    return workers;
  }

  /** Sum of the lines of the metrics that start so. */
  double metric(String line) {
    Response response = get("/q/metrics");
    assertThat(response.statusCode()).isEqualTo(200);
    return response
        .asString()
        .lines()
        .filter(l -> l.startsWith(line))
        .mapToDouble(l -> Double.parseDouble(l.substring(l.lastIndexOf(' ') + 1)))
        .sum();
  }
}
