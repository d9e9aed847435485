package io.sluice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.restassured.response.Response;
import io.restassured.specification.RequestSpecification;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * CloudEvents over HTTP as a broker of Knative sends and takes them: an upload tells a sink, which
 * fails at first; what the sink has got starts the load when it is delivered, any number of times.
 */
class EventsIT {
  private static final String TYPE = "io.sluice.ModelUploaded";

  private static final AtomicInteger FAILURES = new AtomicInteger();
  private static final List<Delivery> DELIVERIES = new CopyOnWriteArrayList<>();
  private static HttpServer sink;
  private static Cluster cluster;
  private static Path model;

  /** A request that the sink has got. */
  private record Delivery(Map<String, String> headers, String body, int status) {}

  @BeforeAll
  static void start() throws IOException {
    sink = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    sink.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    sink.createContext("/default", EventsIT::take);
    sink.start();
    cluster =
        Cluster.start(
            Stack.shared(),
            "events",
            2,
            64 << 20,
            Map.of(
                "K_SINK", "http://127.0.0.1:" + sink.getAddress().getPort() + "/default",
                "SLUICE_EVENTS_SOURCE", "/sluice/test",
                "SLUICE_EVENTS_AUTHORIZATION", "Bearer for-the-sink"));
    Random random = new Random(5);
    model =
        cluster
            .stack()
            .write(
                "events",
                Map.of(
                    "model.safetensors",
                    SafetensorsFile.write(
                        List.of(
                            Synthetic.random("a", "F32", random, 100, 50),
                            Synthetic.random("b", "F32", random, 100, 50)))));
  }

  @AfterAll
  static void stop() {
    cluster.close();
    sink.stop(0);
  }

  private static void take(HttpExchange exchange) throws IOException {
    try (exchange) {
      Map<String, String> headers = new LinkedHashMap<>();
      exchange.getRequestHeaders().forEach((name, values) -> headers.put(name, values.getFirst()));
      String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
      boolean fails =
          "told".equals(headers.get("Ce-subject"))
              && FAILURES.getAndUpdate(left -> Math.max(0, left - 1)) > 0;
      int status = fails ? 503 : 202;
      DELIVERIES.add(new Delivery(headers, body, status));
      exchange.sendResponseHeaders(status, -1);
    }
  }

  private static JsonNode upload(String name) {
    return cluster.api().upload(model.toUri().toString(), name, "shardBytes", 20_000);
  }

  /** What the sink has taken of a model, once there is something. */
  private static Delivery delivered(String name) {
    return Await.until(
        "the sink to take the event of " + name,
        () ->
            DELIVERIES.stream()
                .filter(d -> d.status() == 202 && name.equals(d.headers().get("Ce-subject")))
                .findFirst());
  }

  private static Response deliver(Map<String, String> headers, String body) {
    RequestSpecification request = cluster.api().request();
    // The client has ideas of its own about charsets otherwise.
    Map<String, String> others = new LinkedHashMap<>(headers);
    Optional.ofNullable(others.remove("Content-type")).ifPresent(request::contentType);
    request.headers(others);
    return (body.isEmpty() ? request : request.body(body.getBytes(StandardCharsets.UTF_8)))
        .post("/events");
  }

  /** The job of an event that has to be accepted. */
  private static String accepted(Response response) {
    assertThat(response.statusCode()).as(response.asString()).isEqualTo(202);
    assertThat(response.asString()).as("brokers take a body for another event").isEmpty();
    String job = response.header("Sluice-Job");
    assertThat(response.header("Location")).isEqualTo("/jobs/" + job);
    return job;
  }

  private static List<JsonNode> jobs(String kind) {
    List<JsonNode> jobs = new ArrayList<>();
    for (JsonNode job : Api.ok(cluster.api().get("/jobs?limit=1000")).get("jobs")) {
      if (kind.equals(job.get("kind").textValue())) {
        jobs.add(job);
      }
    }
    return jobs;
  }

  @Test
  void anUploadIsToldToASinkThatFailsAtFirstAndLoadedOnceHoweverOftenItIsDelivered() {
    FAILURES.set(2);
    JsonNode uploaded = upload("told");
    Delivery event = delivered("told");
    assertThat(DELIVERIES.stream().filter(d -> d.status() == 503)).as("tries").hasSize(2);
    assertThat(event.headers())
        .containsEntry("Ce-specversion", "1.0")
        .containsEntry("Ce-type", TYPE)
        .containsEntry("Ce-source", "/sluice/test")
        .containsEntry("Content-type", "application/json")
        .containsEntry("Authorization", "Bearer for-the-sink")
        .containsKeys("Ce-id", "Ce-time");
    JsonNode data = Api.parse(event.body());
    assertThat(data.get("version")).isEqualTo(uploaded.get("version"));
    assertThat(data.get("tag").textValue()).isEqualTo("latest");
    assertThat(data.get("S")).isEqualTo(uploaded.get("S"));

    Map<String, String> headers = new LinkedHashMap<>(event.headers());
    headers.keySet().removeIf(name -> !name.startsWith("Ce-") && !name.equals("Content-type"));
    String job = accepted(deliver(headers, event.body()));
    JsonNode loaded = cluster.api().awaitResult(job);
    assertThat(loaded.get("version")).isEqualTo(uploaded.get("version"));
    assertThat(loaded.get("L")).isEqualTo(uploaded.get("S"));
    int loads = jobs("load").size();
    Set<String> again = new HashSet<>();
    for (int i = 0; i < 3; i++) {
      again.add(accepted(deliver(headers, event.body())));
    }
    assertThat(again).as("after the load was over").containsExactly(job);
    assertThat(jobs("load")).hasSize(loads);

    // The same upload moves no tag: nothing new is told that a receiver could take for new.
    upload("told");
    Await.untilTrue(
        "every announcement to be delivered",
        () -> jobs("announce").stream().allMatch(Api::isOver));
    assertThat(
            DELIVERIES.stream()
                .filter(d -> "told".equals(d.headers().get("Ce-subject")))
                .map(d -> d.headers().get("Ce-id")))
        .containsOnly(event.headers().get("Ce-id"));
  }

  @Test
  void anEventInStructuredModeLoadsWhatItNames() {
    JsonNode uploaded = upload("structured");
    String event =
        Api.object(
                "specversion", "1.0",
                "id", "größer 1",
                "source", "/ci",
                "type", TYPE,
                "subject", "structured",
                "time", "2026-01-31T12:00:00Z",
                "traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                "data", Api.object("model", "structured", "tag", "latest", "more", 1))
            .toString();
    Map<String, String> headers =
        Map.of("Content-type", "application/cloudevents+json; charset=UTF-8");
    String job = accepted(deliver(headers, event));
    assertThat(accepted(deliver(headers, event))).isEqualTo(job);
    assertThat(cluster.api().awaitResult(job).get("version")).isEqualTo(uploaded.get("version"));
  }

  @Test
  void aModelThatIsNotThereFailsTheJobAndNotTheDelivery() {
    Map<String, String> headers =
        Map.of(
            "ce-specversion", "1.0",
            "ce-id", "1",
            "ce-source", "/ci",
            "ce-type", TYPE,
            "Content-type", "application/json");
    String job = accepted(deliver(headers, "{\"model\":\"no-such-model\"}"));
    JsonNode over = cluster.api().awaitJob(job);
    assertThat(over.get("state").textValue()).isEqualTo("failed");
    assertThat(over.get("error").get("code").textValue()).isEqualTo("model-missing");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "ce-id           |                                    | 400 | event-attribute-missing",
        "ce-type         |                                    | 400 | event-attribute-missing",
        "ce-source       |                                    | 400 | event-attribute-missing",
        "ce-specversion  |                                    | 400 | event-attribute-missing",
        "ce-specversion  | 0.3                                | 400 | event-version-unknown",
        "ce-type         | dev.knative.other                  | 400 | event-type-unknown",
        "ce-time         | noon                               | 400 | event-attribute-invalid",
        "Content-type    | text/plain                         | 400 | event-data-invalid",
        "Content-type    | application/cloudevents+json       | 400 | event-attribute-missing",
        "Content-type    | application/cloudevents-batch+json | 400 | event-mode-unknown",
        "body            | {                                  | 400 | event-data-invalid",
        "body            | []                                 | 400 | event-data-invalid",
        "body            | {}                                 | 400 | field-missing",
        "body            | {\"model\":[]}                     | 400 | field-invalid",
        "body            | {\"model\":\"../etc\"}             | 400 | model-name-invalid",
        "body            | {\"model\":\"m\",\"version\":\"1\"}| 400 | digest-invalid",
        "size            | 65537                              | 413 | event-too-large",
        "size            | 1048577                            | 413 | body-too-large",
      })
  void aBadEventIsAProblem(String what, String value, int status, String code) {
    Map<String, String> headers = new LinkedHashMap<>();
    headers.put("ce-specversion", "1.0");
    headers.put("ce-id", "bad");
    headers.put("ce-source", "/ci");
    headers.put("ce-type", TYPE);
    headers.put("Content-type", "application/json");
    String body = "{\"model\":\"m\"}";
    switch (what) {
      case "body" -> body = value;
      case "size" -> body = "x".repeat(Integer.parseInt(value));
      default -> {
        headers.remove(what);
        Optional.ofNullable(value).ifPresent(v -> headers.put(what, v));
      }
    }
    int loads = jobs("load").size();
    Api.problem(deliver(headers, body), status, code);
    assertThat(jobs("load")).hasSize(loads);
  }

  @Test
  void whatIsNoEventIsAProblem() {
    Api.problem(cluster.api().post("/events", Api.object("model", "m")), 400, "event-invalid");
    Api.problem(cluster.api().get("/events"), 405, "method-not-allowed");
  }
}
