package io.sluice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What can be seen of a load from outside: metrics, the dashboard, traces and logs. */
class ObservabilityIT {
  private static final Pattern METRIC =
      Pattern.compile("\\b(?:sluice|http|jvm|process)_[a-z0-9_]+(?=[{\\[)]|$)");
  private static final String TRACE = "0af7651916cd43dd8448eb211c80319c";
  private static final String SPAN = "b7ad6b7169203331";

  /** What the collector got, by id, and which process sent each. */
  private static final Map<String, JsonNode> SPANS = new ConcurrentHashMap<>();

  private static final Map<String, String> SENDERS = new ConcurrentHashMap<>();

  private static HttpServer collector;
  private static Cluster cluster;
  private static String job;

  @BeforeAll
  static void loadAModel() throws IOException {
    collector = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 64);
    collector.createContext(
        "/v1/traces",
        exchange -> {
          collect(Api.JSON.readTree(exchange.getRequestBody()));
          exchange.sendResponseHeaders(200, -1);
          exchange.close();
        });
    collector.start();
    cluster =
        Cluster.start(
            Stack.shared(),
            "observed",
            2,
            256 << 20,
            Map.of(
                "SLUICE_TRACE_ENDPOINT",
                "http://127.0.0.1:" + collector.getAddress().getPort(),
                "QUARKUS_LOG_CONSOLE_JSON_ENABLED",
                "true",
                "QUARKUS_LOG_CATEGORY__IO_SLUICE_JOB__LEVEL",
                "DEBUG"));
    String source =
        cluster
            .stack()
            .write(
                "observed",
                Map.of("m.safetensors", SafetensorsFile.write(Models.transformer(1601, 4, 64))))
            .toUri()
            .toString();
    cluster.api().upload(source, "observed/m", "shards", 8);
    job =
        Api.ok(
                cluster
                    .api()
                    .request()
                    .header("traceparent", "00-" + TRACE + "-" + SPAN + "-01")
                    .contentType("application/json")
                    .body(Api.object("model", "observed/m", "replicas", "all").toString())
                    .post("/load"))
            .get("job")
            .textValue();
    cluster.api().stats("observed/m");
  }

  @AfterAll
  static void stop() {
    cluster.close();
    collector.stop(0);
  }

  private static void collect(JsonNode request) {
    for (JsonNode resource : request.get("resourceSpans")) {
      String worker =
          resource
              .at("/resource/attributes")
              .valueStream()
              .filter(a -> a.get("key").textValue().equals("service.instance.id"))
              .map(a -> a.at("/value/stringValue").textValue())
              .findFirst()
              .orElseThrow();
      for (JsonNode span : resource.at("/scopeSpans/0/spans")) {
        SENDERS.put(span.get("spanId").textValue(), worker);
        SPANS.put(span.get("spanId").textValue(), span);
      }
    }
  }

  @Test
  void everyMetricOfTheDashboardIsThere() throws IOException {
    JsonNode dashboard =
        Api.parse(
            Files.readString(
                Path.of("../../infra/compose/grafana/dashboards/sluice.json").toAbsolutePath()));
    Set<String> asked = new HashSet<>();
    for (JsonNode panel : dashboard.get("panels")) {
      assertThat(panel.get("targets")).as(panel.get("title").textValue()).isNotEmpty();
      for (JsonNode target : panel.get("targets")) {
        List<String> names =
            METRIC
                .matcher(target.get("expr").textValue())
                .results()
                .map(MatchResult::group)
                .toList();
        assertThat(names).as(target.get("expr").textValue()).isNotEmpty();
        asked.addAll(names);
      }
    }
    assertThat(asked).hasSizeGreaterThan(12).contains("sluice_job_steps_seconds_count");
    Set<String> exported = new HashSet<>();
    for (Cluster.Worker worker : cluster.workers()) {
      worker
          .api()
          .get("/q/metrics")
          .asString()
          .lines()
          .filter(line -> !line.startsWith("#"))
          .forEach(line -> exported.add(line.split("[{ ]", 2)[0]));
    }
    assertThat(exported).containsAll(asked);
    assertThat(
            cluster.metric(
                "sluice_job_steps_seconds_count{kind=\"load\",outcome=\"done\",step=\"task\""))
        .isGreaterThanOrEqualTo(16);
  }

  @Test
  void theStepsOfAJobHangBelowItWhoeverDidThem() {
    List<JsonNode> tasks =
        Await.until(
            "the spans of all steps of the load",
            () -> {
              List<JsonNode> seen = named("load task");
              boolean all = seen.size() >= 16 && !named("load commit").isEmpty();
              return all && named("load").size() == 1 && named("POST /load").size() == 1
                  ? Optional.of(seen)
                  : Optional.empty();
            });
    JsonNode request = named("POST /load").getFirst();
    assertThat(request.get("parentSpanId").textValue()).isEqualTo(SPAN);
    JsonNode whole = named("load").getFirst();
    assertThat(whole.get("parentSpanId")).isEqualTo(request.get("spanId"));
    for (JsonNode step : tasks) {
      assertThat(step.get("parentSpanId")).isEqualTo(whole.get("spanId"));
      assertThat(attribute(step, "sluice.job")).isEqualTo(job);
      assertThat(attribute(step, "sluice.task")).startsWith("shard-");
      assertThat(attribute(step, "sluice.worker"))
          .isEqualTo(SENDERS.get(step.get("spanId").textValue()));
      assertThat(step.get("endTimeUnixNano").textValue())
          .isGreaterThanOrEqualTo(step.get("startTimeUnixNano").textValue());
    }
    assertThat(tasks.stream().map(t -> attribute(t, "sluice.worker")).collect(Collectors.toSet()))
        .containsExactlyInAnyOrder("worker-1", "worker-2");
    assertThat(named("load plan")).isNotEmpty();
  }

  private static List<JsonNode> named(String name) {
    return SPANS.values().stream()
        .filter(span -> span.get("traceId").textValue().equals(TRACE))
        .filter(span -> span.get("name").textValue().equals(name))
        .toList();
  }

  private static String attribute(JsonNode span, String key) {
    return span.get("attributes")
        .valueStream()
        .filter(a -> a.get("key").textValue().equals(key))
        .map(a -> a.at("/value/stringValue").textValue())
        .findFirst()
        .orElseThrow(() -> new AssertionError("no " + key + " in " + span));
  }

  @Test
  void linesOfTheLogSayWhichJobAndWhichShard() {
    List<JsonNode> lines = new ArrayList<>();
    for (Cluster.Worker worker : cluster.workers()) {
      worker
          .logText()
          .lines()
          .filter(line -> line.startsWith("{"))
          .map(Api::parse)
          .filter(line -> line.at("/mdc/job").asText().equals(job))
          .forEach(lines::add);
    }
    Set<String> steps =
        lines.stream().map(line -> line.at("/mdc/step").asText()).collect(Collectors.toSet());
    assertThat(steps).contains("commit", "shard-0", "shard-7");
  }
}
