package io.sluice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.restassured.response.Response;
import io.sluice.acceptance.Cli.Run;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Servers that ask for tokens: the whole way of a model, workers that know each other, the command
 * line, what is written down, and servers that do not start because they would be open.
 */
class SecurityIT {
  private static final String READ = "read-token-of-this-test";
  private static final String WRITE = "write-token-of-this-test";
  private static final String ADMIN = "admin-token-of-this-test";
  private static final String SECRET = "the secret of the workers of this test";

  private static Cluster cluster;

  @TempDir Path folder;

  @BeforeAll
  static void start() throws Exception {
    cluster =
        Cluster.start(
            Stack.shared(),
            "security",
            2,
            256 << 20,
            Map.of(
                "SLUICE_AUTH_MODE",
                "required",
                "SLUICE_AUTH_TOKENS",
                String.join(
                    ",",
                    entry("reader", "read", READ),
                    entry("writer", "write", WRITE),
                    entry("admin", "admin", ADMIN)),
                "SLUICE_AUTH_CLUSTER_SECRET",
                SECRET,
                "SLUICE_TOKEN",
                ADMIN));
  }

  @AfterAll
  static void stop() {
    cluster.close();
  }

  private static String entry(String name, String role, String token) throws Exception {
    byte[] digest = MessageDigest.getInstance("SHA-256").digest(SafetensorsFile.utf8(token));
    return name + ":" + role + ":" + HexFormat.of().formatHex(digest);
  }

  private static Api as(String token) {
    return cluster.api().as(Optional.of(token));
  }

  @Test
  void aModelGoesAllTheWayAndEveryChangeIsWrittenDown() {
    List<Synthetic> tensors = Models.transformer(1501, 3, 64);
    String source =
        cluster
            .stack()
            .write("security", Map.of("m.safetensors", SafetensorsFile.write(tensors)))
            .toUri()
            .toString();

    Api.problem(
        as(READ).post("/upload", Api.object("source", source, "model", "secured/m")),
        403,
        "role-missing");
    Response uploaded =
        as(WRITE)
            .request()
            .header("X-Request-Id", "upload-of-this-test")
            .contentType("application/json")
            .body(Api.object("source", source, "model", "secured/m", "shards", 6).toString())
            .post("/upload");
    String version = Api.ok(uploaded).get("version").textValue();
    assertThat(uploaded.header("X-Request-Id")).isEqualTo("upload-of-this-test");

    // Each shard on both workers: one reads it from the store, the other from its peer.
    JsonNode load = as(READ).load("secured/m", "replicas", "all");
    assertThat(load.get("P").intValue()).isEqualTo(2);
    assertThat(cluster.metric("sluice_peer_served_bytes_total")).isPositive();
    Models.assertStats(as(READ).stats("secured/m"), tensors);

    JsonNode refused =
        Api.problem(
            as(READ)
                .post(
                    "/compute",
                    Api.object(
                        "model",
                        "secured/m",
                        "operation",
                        "convert",
                        "arguments",
                        Map.of("to", "F16", "output", "secured/half"))),
            403,
            "role-missing");
    assertThat(refused.get("detail").textValue()).contains("token:reader", "'write'");

    Api.ok(as(WRITE).post("/tag", Api.object("model", "secured/m", "tag", "prod")));
    assertThat(as(READ).model("secured/m?tag=prod").get("version").textValue()).isEqualTo(version);
    Api.problem(
        as(WRITE).post("/tag", Api.object("model", "secured/m", "tag", "-x")), 400, "tag-invalid");
    Api.problem(
        as(WRITE).post("/remove", Api.object("model", "secured/m:prod")), 403, "role-missing");
    JsonNode unloaded = as(WRITE).unload("secured/m"); // asks both workers
    assertThat(unloaded.get("workers")).hasSize(2);
    JsonNode removed = Api.ok(as(ADMIN).post("/remove", Api.object("model", "secured/m:prod")));
    assertThat(removed.get("tags").get(0).textValue()).isEqualTo("prod");
    Api.problem(as(READ).get("/models/secured/m?tag=prod"), 404, "tag-missing");

    List<JsonNode> audit = audit();
    assertThat(line(audit, "publish", "done").get("principal").textValue())
        .isEqualTo("token:writer");
    assertThat(line(audit, "publish", "done").get("request").textValue())
        .isEqualTo("upload-of-this-test");
    assertThat(line(audit, "publish", "done").get("model").textValue())
        .isEqualTo("secured/m:latest");
    assertThat(line(audit, "publish", "done").get("version").textValue()).isEqualTo(version);
    assertThat(line(audit, "tag", "done").get("model").textValue()).isEqualTo("secured/m:prod");
    assertThat(line(audit, "delete", "done").get("principal").textValue()).isEqualTo("token:admin");
    assertThat(line(audit, "POST /remove", "role-missing").get("principal").textValue())
        .isEqualTo("token:writer");
    for (Cluster.Worker worker : cluster.workers()) {
      assertThat(worker.logText())
          .doesNotContain(READ, WRITE, ADMIN, SECRET)
          .doesNotContain("did not work on job");
    }
  }

  /** The lines of all workers. */
  private static List<JsonNode> audit() {
    List<JsonNode> lines = new ArrayList<>();
    for (Cluster.Worker worker : cluster.workers()) {
      worker
          .logText()
          .lines()
          .filter(line -> line.contains("[s.audit]"))
          .map(line -> Api.parse(line.substring(line.indexOf('{'))))
          .forEach(lines::add);
    }
    return lines;
  }

  private static JsonNode line(List<JsonNode> audit, String action, String outcome) {
    return audit.stream()
        .filter(line -> line.get("action").textValue().equals(action))
        .filter(line -> line.get("outcome").textValue().equals(outcome))
        .findFirst()
        .orElseThrow(() -> new AssertionError("no " + action + " " + outcome + " in " + audit));
  }

  @Test
  void whoHasNoTokenGetsNothingButHealth() {
    Api nobody = cluster.api().as(Optional.empty());
    Api wrong = as("wrong");
    for (String path :
        List.of("/models", "/workers", "/jobs", "/openapi", "/q/metrics", "/shards/x", "/nope")) {
      Api.problem(nobody.get(path), 401, "token-missing");
      Api.problem(wrong.get(path), 401, "token-invalid");
    }
    for (String path :
        List.of("/upload", "/load", "/compute", "/embed", "/unload", "/work", "/release")) {
      Api.problem(nobody.post(path, "{}"), 401, "token-missing");
      Api.problem(wrong.post(path, "x".repeat(2 << 20)), 401, "token-invalid");
      Api.problem(as(ADMIN).post("/work", "{}"), 403, "role-missing");
    }
    assertThat(nobody.get("/q/health/ready").statusCode()).isEqualTo(200);
  }

  @Test
  void theCommandLineShowsItsToken() throws IOException {
    Map<String, String> environment = cluster.environment();
    environment.put("SLUICE_ENDPOINT", cluster.api().base().toString());
    environment.remove("SLUICE_TOKEN");
    Cli cli = new Cli(environment);
    cli.run("ls").failed(8, "token-missing");
    cli.run("ls", "--token", "wrong").failed(8, "token-invalid");
    Path file = Files.writeString(folder.resolve("token"), READ + "\n");
    assertThat(cli.run("ls", "--token-file", file.toString(), "--json").json().get("models"))
        .isNotNull();
    cli.run("unload", "no-such", "--token-file", file.toString()).failed(8, "role-missing");
    environment.put("SLUICE_TOKEN", READ);
    assertThat(new Cli(environment).run("jobs", "--json").json().get("jobs")).isNotNull();

    JsonNode made = cli.run("token", "build-7", "--role", "write", "--json").json();
    assertThat(made.get("token").textValue()).hasSize(43);
    assertThat(made.get("entry").textValue()).matches("build-7:write:[0-9a-f]{64}");
    cli.run("token", "build-7", "--role", "owner").failed(2, "role-invalid");
  }

  @Test
  void aServerThatWouldBeOpenByMistakeDoesNotStart() throws Exception {
    Map<String, String> environment = new HashMap<>(cluster.environment());
    environment.keySet().removeIf(name -> name.startsWith("SLUICE_AUTH_"));
    environment.put("QUARKUS_HTTP_PORT", "0");
    for (String host : List.of("0.0.0.0", "127.0.0.1")) {
      environment.put("QUARKUS_HTTP_HOST", host);
      Run run = new Cli(environment).run("serve");
      assertThat(run.exit()).as(run.toString()).isEqualTo(2);
      assertThat(run.err())
          .contains("sluice.auth.tokens", "sluice.auth.mode=open", "(config-invalid)")
          .doesNotContain("Listening");
    }
    environment.put("SLUICE_AUTH_TOKENS", entry("a", "read", READ));
    Run run = new Cli(environment).run("serve");
    assertThat(run.exit()).isEqualTo(2);
    assertThat(run.err()).contains("sluice.auth.cluster-secret").doesNotContain("Listening");
  }

  @Test
  void aServerThatIsOpenSaysSo() {
    assertThat(Stack.sharedCluster().workers().getFirst().logText())
        .contains("Open: everybody who reaches 127.0.0.1 may do everything");
  }
}
