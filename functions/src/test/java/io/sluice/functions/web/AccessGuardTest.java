package io.sluice.functions.web;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;

import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.QuarkusTestProfile;
import io.quarkus.test.junit.TestProfile;
import io.restassured.http.ContentType;
import io.restassured.response.Response;
import io.restassured.specification.RequestSpecification;
import io.sluice.functions.auth.AccessTable;
import io.sluice.functions.auth.ClusterKey;
import io.sluice.functions.auth.Role;
import io.sluice.functions.auth.StaticTokens;
import io.sluice.functions.auth.TestIssuer;
import io.sluice.functions.problem.Problem;
import io.vertx.core.http.HttpMethod;
import io.vertx.ext.web.Route;
import io.vertx.ext.web.Router;
import jakarta.inject.Inject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

/** Every route for everybody: who has no token, a wrong one, one that is over, and every role. */
@QuarkusTest
@TestProfile(AccessGuardTest.WithTokens.class)
class AccessGuardTest {
  private static final String SECRET = "a secret of the workers that only tests know";
  private static final TestIssuer ISSUER = TestIssuer.shared();
  private static final String NO_VERSION = "sha256:" + "0".repeat(64);

  @Inject Router router;

  /** Callers need tokens. */
  public static class WithTokens implements QuarkusTestProfile {
    @Override
    public Map<String, String> getConfigOverrides() {
      try {
        Path folder = Files.createDirectories(Path.of("target", "access-guard-test"));
        Path keys = Files.writeString(folder.resolve("keys.json"), ISSUER.keys());
        Path tokens =
            Files.writeString(
                folder.resolve("tokens"),
                "# of a file\n\n" + StaticTokens.line("admin", Role.ADMIN, "admin-token") + "\n");
        return Map.of(
            "sluice.auth.tokens",
            StaticTokens.line("read", Role.READ, "read-token")
                + ","
                + StaticTokens.line("write", Role.WRITE, "write-token")
                + ","
                + StaticTokens.line("busy", Role.READ, "busy-token"),
            "sluice.auth.tokens-file",
            tokens.toString(),
            "sluice.auth.cluster-secret",
            SECRET,
            "sluice.auth.requests-per-second",
            "10",
            "sluice.auth.jwt.issuer",
            TestIssuer.ISSUER,
            "sluice.auth.jwt.audience",
            TestIssuer.AUDIENCE,
            "sluice.auth.jwt.keys",
            keys.toString());
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  private static Response send(AccessTable.Route route, String authorization) {
    return send(route.method(), url(route), authorization);
  }

  private static Response send(String method, String url, String authorization) {
    RequestSpecification request = given().urlEncodingEnabled(false);
    if (authorization != null) {
      request.header("Authorization", authorization);
    }
    if (method.equals("POST")) {
      request.contentType(ContentType.JSON).body("{}");
    }
    while (true) {
      Response response = request.request(method, url);
      if (response.statusCode() != 429) {
        return response;
      }
      try {
        Thread.sleep(100);
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }
  }

  private static String url(AccessTable.Route route) {
    return route
        .path()
        .replace("{digest}", NO_VERSION)
        .replace("{id}", "01h00000000000000000000000")
        .replaceAll("\\{[a-z]+}", "nope");
  }

  private static String jwt(String role, Instant from) {
    return "Bearer " + ISSUER.es256(TestIssuer.claims("somebody", role, from));
  }

  private static void isProblem(Response response, int status, String code, String what) {
    assertThat(response.statusCode()).as(what + " " + response.asString()).isEqualTo(status);
    assertThat(response.contentType()).as(what).isEqualTo(Problem.MEDIA_TYPE);
    assertThat((String) response.path("code")).as(what).isEqualTo(code);
    assertThat((String) response.path("detail")).as(what).isNotBlank();
    assertThat(response.header("X-Request-Id")).as(what).isNotBlank();
  }

  @Test
  void nobodyGetsInWithoutAToken() {
    Map<String, String> wrong =
        Map.of(
            "Bearer wrong",
            "token-invalid",
            "Bearer ",
            "token-invalid",
            "Basic cmVhZDpyZWFk",
            "token-invalid",
            "read-token",
            "token-invalid",
            "Bearer a.b.c",
            "token-invalid",
            jwt("admin", Instant.now().minusSeconds(3600)),
            "token-expired",
            "Bearer " + new TestIssuer().rs256(TestIssuer.claims("x", "admin", Instant.now())),
            "token-invalid",
            new ClusterKey(SECRET + "!", InstantSource.system()).authorization("POST", "/work"),
            "token-invalid");
    for (AccessTable.Route route : AccessTable.routes()) {
      String what = route.method() + " " + route.path();
      if (route.role().isEmpty()) {
        assertThat(send(route, null).statusCode()).as(what).isEqualTo(200);
        assertThat(send(route, "Bearer wrong").statusCode()).as(what).isEqualTo(200);
        continue;
      }
      Response none = send(route, null);
      isProblem(none, 401, "token-missing", what);
      assertThat(none.header("WWW-Authenticate")).isEqualTo("Bearer realm=\"sluice\"");
      wrong.forEach(
          (shown, code) -> {
            Response refused = send(route, shown);
            isProblem(refused, 401, code, what + " with " + shown);
            assertThat(refused.header("WWW-Authenticate")).contains("invalid_token");
          });
    }
  }

  @Test
  void everyRoleMayWhatTheTableSays() {
    for (AccessTable.Route route : AccessTable.routes()) {
      if (route.role().isEmpty()) {
        continue;
      }
      String signed =
          new ClusterKey(SECRET, InstantSource.system()).authorization(route.method(), url(route));
      expect(route, Role.WORKER, signed);
      for (Role role : List.of(Role.READ, Role.WRITE, Role.ADMIN)) {
        expect(route, role, "Bearer " + role.text() + "-token");
        expect(route, role, jwt(role.text(), Instant.now()));
      }
    }
  }

  private static void expect(AccessTable.Route route, Role role, String shown) {
    String what = role + " at " + route.method() + " " + route.path();
    Response response = send(route, shown);
    if (role.covers(route.role().orElseThrow())) {
      // Whatever the function says of an empty request for what is not there.
      assertThat(response.statusCode()).as(what + response.asString()).isIn(200, 400, 404);
      if (response.statusCode() == 404) {
        assertThat((String) response.path("code")).as(what).isNotEqualTo("route-missing");
      }
    } else {
      isProblem(response, 403, "role-missing", what);
    }
  }

  @Test
  void whatIsNotInTheTableIsNotThereForAnybody() {
    Set<String> served = Set.of("GET", "POST");
    List<String> unlisted = new ArrayList<>();
    for (Route route : router.getRoutes()) {
      String path = route.getPath();
      if (path == null || path.equals("/") || route.isRegexPath()) {
        continue;
      }
      Set<HttpMethod> methods = route.methods() == null ? Set.of() : route.methods();
      for (String method : served) {
        String url = path.replace("*", "x").replaceAll(":([a-z]+)", "nope");
        boolean has = methods.isEmpty() || methods.contains(HttpMethod.valueOf(method));
        if (has && AccessTable.find(method, url).isEmpty()) {
          unlisted.add(path);
          assertThat(send(method, url, "Bearer admin-token").statusCode())
              .as(method + " " + url)
              .isIn(404, 405);
        }
      }
    }
    assertThat(unlisted).allMatch(path -> path.startsWith("/q") || AccessTable.knows(path));
    for (String path : List.of("/nope", "/q/arc", "/q/dev-ui", "/models/a/b/c", "/q/health/x")) {
      isProblem(send("GET", path, "Bearer admin-token"), 404, "route-missing", path);
      isProblem(send("GET", path, null), 401, "token-missing", path);
    }
    isProblem(send("GET", "/upload", "Bearer read-token"), 405, "method-not-allowed", "GET");
    isProblem(send("DELETE", "/models", "Bearer admin-token"), 405, "method-not-allowed", "DELETE");
  }

  @Test
  void aPathCannotBeDisguised() {
    for (String path :
        List.of(
            "/./upload",
            "/%75pload",
            "/load/../upload",
            "//upload",
            "/upload/",
            "/models/..%2fupload")) {
      Response response =
          given()
              .urlEncodingEnabled(false)
              .header("Authorization", "Bearer read-token")
              .contentType(ContentType.JSON)
              .body("{}")
              .post(path);
      assertThat(response.statusCode()).as(path).isIn(403, 404, 405);
    }
  }

  @Test
  void aReaderStoresNothingByComputing() {
    String request =
        "{\"model\":\"nope\",\"operation\":\"convert\",\"arguments\":{\"to\":\"F16\",\"output\":\"x\"}}";
    for (String token : List.of("read-token", "write-token")) {
      Response response = compute(token, request);
      if (token.equals("read-token")) {
        isProblem(response, 403, "role-missing", token);
      } else {
        isProblem(response, 404, "model-missing", token);
      }
    }
    String issued = ISSUER.rs256(TestIssuer.claims("reader", "read", Instant.now()));
    for (String token : List.of("read-token", issued)) {
      isProblem(
          compute(token, "{\"model\":\"nope\",\"operation\":\"stats\"}"),
          404,
          "model-missing",
          "stats");
    }
  }

  private static Response compute(String token, String request) {
    return given()
        .header("Authorization", "Bearer " + token)
        .contentType(ContentType.JSON)
        .body(request)
        .post("/compute");
  }

  @Test
  void whoAsksTooOftenWaits() throws InterruptedException {
    Callable<Response> ask =
        () -> given().header("Authorization", "Bearer busy-token").get("/openapi");
    List<Response> answers = new ArrayList<>();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (Future<Response> answer : threads.invokeAll(Collections.nCopies(200, ask))) {
        answers.add(answer.resultNow());
      }
    }
    assertThat(answers).filteredOn(answer -> answer.statusCode() == 200).hasSizeGreaterThan(19);
    Response last =
        answers.stream().filter(answer -> answer.statusCode() != 200).findFirst().orElseThrow();
    isProblem(last, 429, "rate-limited", "one of many");
    assertThat(Integer.parseInt(last.header("Retry-After"))).isPositive();
    assertThat(send("GET", "/openapi", "Bearer busy-token").statusCode()).isEqualTo(200);
  }

  @Test
  void aRequestKeepsTheIdThatItBrings() {
    Response named =
        given()
            .header("Authorization", "Bearer read-token")
            .header("X-Request-Id", "my-request.7")
            .get("/openapi");
    assertThat(named.header("X-Request-Id")).isEqualTo("my-request.7");
    Response odd = given().header("X-Request-Id", "x y").get("/openapi");
    assertThat(odd.header("X-Request-Id")).isNotBlank().isNotEqualTo("x y");
  }
}
