package io.sluice.functions.web;

import static io.restassured.RestAssured.get;
import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.http.ContentType;
import io.sluice.functions.problem.Problem;
import java.io.IOException;
import java.util.Arrays;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The description of the API against the application that serves it. */
@QuarkusTest
class ContractTest {
  private static final Pattern FIELDS = Pattern.compile("it has \\[(.*)]");

  /** A request that lacks nothing, by function; what it names does not exist. */
  private static final Map<String, String> REQUESTS =
      Map.of(
          "upload", "{\"source\":\"ftp://x\",\"model\":\"m\"",
          "copy", "{\"model\":\"no-such-model\",\"to\":\"file\"",
          "load", "{\"model\":\"no-such-model\"",
          "compute", "{\"model\":\"no-such-model\",\"operation\":\"stats\"",
          "embed", "{\"model\":\"no-such-model\",\"texts\":[\"a\"]",
          "unload", "{\"model\":\"no-such-model\"",
          "tag", "{\"model\":\"no-such-model\",\"tag\":\"t\"",
          "remove", "{\"model\":\"no-such-model\"",
          "work", "{\"job\":\"01h00000000000000000000000\"",
          "release", "{\"version\":\"sha256:" + "0".repeat(64) + "\"");

  @Test
  void everyFunctionTakesTheFieldsThatAreDescribed() throws IOException {
    JsonNode api = api();
    for (Map.Entry<String, String> request : REQUESTS.entrySet()) {
      String detail =
          given()
              .contentType(ContentType.JSON)
              .body(request.getValue() + ",\"no such field\":1}")
              .post("/" + request.getKey())
              .then()
              .statusCode(400)
              .contentType(Problem.MEDIA_TYPE)
              .body("code", equalTo("field-unknown"))
              .extract()
              .path("detail");
      Matcher fields = FIELDS.matcher(detail);
      assertThat(fields.find()).as(detail).isTrue();
      assertThat(new TreeSet<>(Arrays.asList(fields.group(1).split(", "))))
          .as(request.getKey())
          .isEqualTo(described(api, request.getKey()));
    }
  }

  @Test
  void everyDescribedRouteExists() throws IOException {
    JsonNode paths = api().get("paths");
    paths
        .fieldNames()
        .forEachRemaining(
            path -> {
              String url =
                  path.replace("{name}", "nope")
                      .replace("{id}", "nope")
                      .replace("{digest}", "nope");
              String method = paths.get(path).has("post") ? "POST" : "GET";
              String code =
                  given()
                      .contentType(ContentType.JSON)
                      .body(method.equals("POST") ? "{}" : "")
                      .request(method, url)
                      .then()
                      .extract()
                      .body()
                      .asString();
              assertThat(code).as(method + " " + url).doesNotContain("route-missing");
            });
  }

  @Test
  void whatDoesNotExistIsAProblem() {
    get("/nope").then().statusCode(404).contentType(Problem.MEDIA_TYPE);
    get("/models/nope").then().statusCode(404).body("code", equalTo("model-missing"));
    get("/jobs/01h00000000000000000000000")
        .then()
        .statusCode(404)
        .body("code", equalTo("job-missing"));
    get("/jobs?limit=0").then().statusCode(400).body("detail", containsString("1 to 1000"));
  }

  @Test
  void aBodyThatIsNoJsonIsAProblem() {
    for (String body : new String[] {"{", "{\"model\":\"a\",\"model\":\"b\"}"}) {
      given()
          .contentType(ContentType.JSON)
          .body(body)
          .post("/load")
          .then()
          .statusCode(400)
          .contentType(Problem.MEDIA_TYPE)
          .body("code", equalTo("body-invalid"));
    }
  }

  @Test
  void isReadyWithTheServicesOfDevMode() {
    get("/q/health/ready").then().statusCode(200).body("status", equalTo("UP"));
    get("/models").then().statusCode(200);
    get("/workers").then().statusCode(200);
    get("/q/metrics").then().statusCode(200).body(containsString("sluice_store_requests"));
  }

  private static SortedSet<String> described(JsonNode api, String function) {
    String ref =
        api.at("/paths/~1" + function + "/post/requestBody/content/application~1json/schema/$ref")
            .textValue();
    SortedSet<String> names = new TreeSet<>();
    api.at(ref.substring(1)).get("properties").fieldNames().forEachRemaining(names::add);
    return names;
  }

  private static JsonNode api() throws IOException {
    return new YAMLMapper()
        .readTree(get("/openapi").then().statusCode(200).extract().body().asString());
  }
}
