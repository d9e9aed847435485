package io.sluice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.restassured.response.Response;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every bad request gets the right status, a problem document and a stable code. */
class RequestsIT {
  private static final Cluster CLUSTER = Stack.sharedCluster();
  private static final String NO_VERSION = "sha256:" + "0".repeat(64);

  private static String source;

  /**
   * A request.
   *
   * @param body empty for GET
   */
  record Bad(String method, String path, String body, int status, String code, String named) {
    @Override
    public String toString() {
      String text = method + " " + path + " " + body;
      return text.length() < 120 ? text : text.substring(0, 120) + "…";
    }
  }

  @BeforeAll
  static void uploadOne() {
    Map<String, byte[]> files =
        Map.of("m.safetensors", SafetensorsFile.write(Models.transformer(61, 1, 32)));
    source = CLUSTER.stack().write("requests", files).toUri().toString();
    CLUSTER.api().upload(source, "requests/m");
  }

  private static Bad post(String path, String body, int status, String code, String named) {
    return new Bad("POST", path, body.replace('\'', '"'), status, code, named);
  }

  private static Bad get(String path, int status, String code, String named) {
    return new Bad("GET", path, "", status, code, named);
  }

  static Stream<Bad> bad() {
    List<Bad> bad = new ArrayList<>();
    Map<String, String> good =
        Map.of(
            "/upload", "{'source':'file:/x','model':'m'",
            "/load", "{'model':'requests/m'",
            "/compute", "{'model':'requests/m','operation':'stats'",
            "/unload", "{'model':'requests/m'",
            "/work", "{'job':'x'",
            "/release", "{'version':'" + NO_VERSION + "'");
    good.forEach(
        (path, start) -> {
          bad.add(post(path, start + ",'colour':1}", 400, "field-unknown", "colour"));
          bad.add(post(path, "{}", 400, "field-missing", ""));
          bad.add(post(path, "[]", 400, "request-invalid", "object"));
          bad.add(post(path, "'text'", 400, "request-invalid", "object"));
          bad.add(post(path, "7", 400, "request-invalid", "object"));
          bad.add(post(path, start, 400, "body-invalid", ""));
          bad.add(post(path, "not JSON", 400, "body-invalid", ""));
          bad.add(post(path, start + "}}", 400, "body-invalid", ""));
          String field = start.substring(1, start.indexOf(':'));
          bad.add(post(path, start + "," + field + ":'twice'}", 400, "body-invalid", ""));
          bad.add(post(path, "{" + field + ":7}", 400, "field-invalid", field.replace("'", "")));
          bad.add(post(path, "{" + field + ":' '}", 400, "field-invalid", ""));
          bad.add(new Bad("GET", path, "", 405, "method-not-allowed", ""));
          bad.add(new Bad("DELETE", path, "", 405, "method-not-allowed", ""));
        });

    String upload = "{'source':'file:/x','model':'m',";
    bad.add(post("/upload", upload + "'shardBytes':1023}", 400, "field-invalid", "1024"));
    bad.add(post("/upload", upload + "'shardBytes':1e6}", 400, "field-invalid", "shardBytes"));
    bad.add(post("/upload", upload + "'shardBytes':'64MiB'}", 400, "field-invalid", "64MiB"));
    bad.add(
        post("/upload", upload + "'shardBytes':99999999999999999999}", 400, "field-invalid", ""));
    bad.add(post("/upload", upload + "'chunkBytes':65535}", 400, "field-invalid", "65536"));
    bad.add(post("/upload", upload + "'chunkBytes':1073741825}", 400, "field-invalid", ""));
    bad.add(post("/upload", upload + "'shards':0}", 400, "field-invalid", "shards"));
    bad.add(post("/upload", upload + "'shards':100001}", 400, "field-invalid", "100000"));
    bad.add(post("/upload", upload + "'strategy':'random'}", 400, "plan-invalid", "random"));
    bad.add(post("/upload", upload + "'strategy':'count'}", 400, "plan-invalid", "count"));
    bad.add(
        post("/upload", upload + "'strategy':'size','shards':3}", 400, "plan-invalid", "count"));
    bad.add(post("/upload", upload + "'tasksPerWorker':0}", 400, "field-invalid", ""));
    bad.add(post("/upload", upload + "'wait':'yes'}", 400, "field-invalid", "wait"));
    bad.add(post("/upload", upload + "'expect':'latest'}", 400, "digest-invalid", "latest"));
    String from = "'model':'m'}";
    bad.add(post("/upload", "{'source':'/x'," + from, 400, "source-invalid", "/x"));
    bad.add(post("/upload", "{'source':'ftp://x/y'," + from, 400, "source-invalid", "ftp"));
    bad.add(post("/upload", "{'source':'s3:'," + from, 400, "source-invalid", "s3"));
    bad.add(post("/upload", "{'source':'https://h/a?b=c'," + from, 400, "source-invalid", "query"));
    bad.add(post("/upload", "{'source':'file:///etc/passwd'," + from, 403, "source-forbidden", ""));
    bad.add(
        post(
            "/upload",
            "{'source':'file:" + CLUSTER.stack().models() + "/../../../../etc/passwd'," + from,
            403,
            "source-forbidden",
            ""));
    for (String host :
        List.of("169.254.169.254", "[fe80::1]", "127.0.0.1", "10.0.0.1", "[::ffff:127.0.0.1]")) {
      bad.add(
          post("/upload", "{'source':'https://" + host + "/m/'," + from, 403, "host-refused", ""));
    }
    bad.add(post("/upload", "{'source':'http://example.com/m/'," + from, 403, "host-refused", ""));
    bad.add(
        post(
            "/upload",
            "{'source':'file:" + CLUSTER.stack().models() + "/no-such'," + from,
            404,
            "source-missing",
            "no-such"));
    String name = "{'source':'file:/x','model':'";
    bad.add(post("/upload", name + "../m'}", 400, "model-name-invalid", "../m"));
    bad.add(post("/upload", name + "a/b/c'}", 400, "model-name-invalid", "a/b/c"));
    bad.add(post("/upload", name + "-m'}", 400, "model-name-invalid", "-m"));
    bad.add(post("/upload", name + "m:'}", 400, "tag-invalid", ""));
    bad.add(post("/upload", name + "m:a b'}", 400, "tag-invalid", "a b"));
    bad.add(post("/upload", name + "m@" + NO_VERSION + "'}", 400, "model-ref-invalid", ""));
    bad.add(post("/upload", name + "n".repeat(129) + "'}", 400, "model-name-invalid", "128"));

    bad.add(post("/load", "{'model':'no/such'}", 404, "model-missing", "no/such"));
    bad.add(post("/load", "{'model':'requests/m:no'}", 404, "tag-missing", "no"));
    bad.add(
        post("/load", "{'model':'requests/m@" + NO_VERSION + "'}", 404, "version-missing", "0000"));
    bad.add(post("/load", "{'model':'requests/m@sha256:12'}", 400, "digest-invalid", "12"));
    String load = "{'model':'requests/m','tensors':";
    bad.add(post("/load", load + "'*'}", 400, "field-invalid", "tensors"));
    bad.add(post("/load", load + "[7]}", 400, "field-invalid", "7"));
    bad.add(post("/load", load + "['']}", 400, "field-invalid", ""));
    bad.add(post("/load", load + "['nope.*']}", 400, "tensors-unknown", "nope.*"));
    bad.add(
        post("/load", load + "[" + "'*',".repeat(1000) + "'*']}", 400, "tensors-invalid", "1000"));
    bad.add(post("/load", load + "['" + "x".repeat(4097) + "']}", 400, "tensors-invalid", "4096"));
    bad.add(post("/load", "{'model':'requests/m','wait':1}", 400, "field-invalid", "wait"));
    bad.add(post("/load", "{'model':'requests/m','tasksPerWorker':0}", 400, "field-invalid", ""));

    String compute = "{'model':'requests/m','operation':";
    bad.add(post("/compute", compute + "'nope'}", 400, "operation-unknown", "nope"));
    bad.add(
        post(
            "/compute",
            compute + "'stats','arguments':{'x':1}}",
            400,
            "operation-arguments-invalid",
            "x"));
    bad.add(
        post(
            "/compute",
            compute + "'stats','arguments':[1]}",
            400,
            "operation-arguments-invalid",
            ""));
    bad.add(post("/compute", compute + "'stats','tensors':['no']}", 400, "tensors-unknown", "no"));
    bad.add(post("/compute", "{'model':'no/such','operation':'stats'}", 404, "model-missing", ""));
    bad.add(post("/unload", "{'model':'no/such'}", 404, "model-missing", "no/such"));
    bad.add(post("/release", "{'version':'7'}", 400, "digest-invalid", "7"));

    bad.add(get("/models/no-such", 404, "model-missing", "no-such"));
    bad.add(get("/models/no/such", 404, "model-missing", "no/such"));
    bad.add(get("/models/requests/m?tag=nope", 404, "tag-missing", "nope"));
    bad.add(get("/models/requests/m?version=" + NO_VERSION, 404, "version-missing", ""));
    bad.add(get("/models/requests/m?version=7", 400, "digest-invalid", "7"));
    bad.add(
        get(
            "/models/requests/m?tag=latest&version=" + NO_VERSION,
            400,
            "model-ref-invalid",
            "both"));
    bad.add(get("/models/requests/m?tag=a%20b", 400, "tag-invalid", "a b"));
    bad.add(get("/models/-bad", 400, "model-name-invalid", "-bad"));
    bad.add(get("/jobs?limit=0", 400, "field-invalid", "1000"));
    bad.add(get("/jobs?limit=1001", 400, "field-invalid", "1001"));
    bad.add(get("/jobs?limit=ten", 400, "field-invalid", "ten"));
    bad.add(get("/nope", 404, "route-missing", "/nope"));
    bad.add(get("/", 404, "route-missing", ""));
    bad.add(get("/models/a/b/c", 404, "route-missing", ""));
    bad.add(post("/models", "{}", 405, "method-not-allowed", "POST"));
    bad.add(post("/workers", "{}", 405, "method-not-allowed", "POST"));
    bad.add(post("/jobs", "{}", 405, "method-not-allowed", "POST"));
    return bad.stream();
  }

  @ParameterizedTest
  @MethodSource("bad")
  void isRefused(Bad bad) {
    Api api = CLUSTER.api();
    Response response =
        switch (bad.method()) {
          case "POST" -> api.post(bad.path(), bad.body());
          case "DELETE" -> api.request().delete(bad.path());
          default -> api.get(bad.path());
        };
    JsonNode problem = Api.problem(response, bad.status(), bad.code());
    assertThat(problem.get("detail").textValue()).contains(bad.named());
  }

  @Test
  void bodyOfMoreThanAMebibyteIsRefused() {
    for (String path : List.of("/upload", "/load", "/compute", "/unload", "/work", "/release")) {
      String body = "{\"model\":\"" + "x".repeat(1 << 20) + "\"}";
      Api.problem(CLUSTER.api().post(path, body), 413, "body-too-large");
    }
  }

  @Test
  void linkThatLeadsOutOfTheAllowedFoldersIsRefused() throws IOException {
    Path folder =
        CLUSTER.stack().write("with-link", Map.of("config.json", SafetensorsFile.utf8("{}")));
    Files.createSymbolicLink(folder.resolve("secrets.bin"), Path.of("/etc/passwd"));
    JsonNode problem =
        Api.problem(
            CLUSTER
                .api()
                .post(
                    "/upload",
                    Api.object("source", folder.toUri().toString(), "model", "requests/link")),
            403,
            "source-forbidden");
    assertThat(problem.get("detail").textValue()).doesNotContain("root:");
  }

  @Test
  void missingBodyIsRefused() {
    for (String path : List.of("/upload", "/load", "/compute", "/unload", "/work", "/release")) {
      Response response = CLUSTER.api().request().contentType("application/json").post(path);
      assertThat(response.statusCode()).as(path + " " + response.asString()).isEqualTo(400);
      assertThat(response.contentType()).isEqualTo("application/problem+json");
    }
  }

  @Test
  void healthAndMetricsAndDescription() {
    Api api = CLUSTER.api();
    for (String path : List.of("/q/health", "/q/health/live", "/q/health/ready")) {
      Response health = api.get(path);
      assertThat(health.statusCode()).as(path).isEqualTo(200);
      assertThat(Api.parse(health.asString()).get("status").textValue()).isEqualTo("UP");
    }
    assertThat(api.metric("sluice_store_requests_seconds_count")).isPositive();
    Response description = api.get("/openapi");
    assertThat(description.statusCode()).isEqualTo(200);
    assertThat(description.asString()).startsWith("openapi: 3.1");
    for (String path :
        List.of("/upload:", "/load:", "/compute:", "/unload:", "/jobs:", "/models:", "/workers:")) {
      assertThat(description.asString()).contains("\n  " + path);
    }
  }

  @Test
  void workersAreListedWithTheirMemory() {
    JsonNode workers = Api.ok(CLUSTER.api().get("/workers")).get("workers");
    assertThat(workers).hasSize(4);
    for (JsonNode worker : workers) {
      assertThat(worker.get("budgetBytes").longValue()).isEqualTo(1L << 30);
      assertThat(worker.get("freeBytes").longValue()).isBetween(0L, 1L << 30);
      Api other = new Api(java.net.URI.create(worker.get("address").textValue()));
      assertThat(other.workers()).hasSize(4);
    }
  }
}
