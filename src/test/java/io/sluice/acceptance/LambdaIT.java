package io.sluice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * The functions as instances of AWS Lambda: the packaged application between the runtime API and
 * the API to invoke functions by, with no address that anybody else calls.
 */
class LambdaIT {
  private static final Stack STACK = Stack.shared();
  private static final String WORKER =
      "arn:aws:lambda:" + LambdaService.REGION + ":123456789012:function:worker";
  private static final int SHARD = 512 << 10;

  private static final List<Process> PROCESSES = new ArrayList<>();
  private static Path logs;
  private static LambdaService lambda;
  private static String source;

  @BeforeAll
  static void start() {
    logs = Application.logs("lambda");
    lambda =
        new LambdaService(
            STACK.endpoints().accessKey(),
            STACK.endpoints().secretKey(),
            List.of("upload", "load", "compute", "worker"));
    instance("upload", "upload", Map.of());
    instance("load", "load", Map.of());
    instance("compute", "compute", Map.of());
    for (int i = 0; i < 2; i++) {
      instance(
          "worker",
          "work",
          Map.of(
              "SLUICE_WORKER_ENABLED",
              "true",
              "SLUICE_WORKER_MEMORY",
              Integer.toString(24 * SHARD),
              "SLUICE_LOAD_BANDWIDTH",
              Integer.toString(2 * SHARD),
              "SLUICE_JOB_PARALLELISM",
              "1",
              "SLUICE_LAMBDA_TIME_LIMIT",
              "4s"));
    }
    Map<String, byte[]> files =
        Map.of("m.safetensors", SafetensorsFile.write(Models.uniform(17, 16, SHARD)));
    source = STACK.write("lambda", files).toUri().toString();
  }

  @AfterAll
  static void stop() {
    PROCESSES.forEach(Process::destroy);
    PROCESSES.forEach(process -> process.onExit().join());
    lambda.close();
  }

  /** One instance of a function, with the settings that the Terraform module gives it. */
  private static void instance(String function, String export, Map<String, String> settings) {
    Map<String, String> environment = new LinkedHashMap<>(STACK.environment());
    environment.put("SLUICE_REDIS_PREFIX", "{lambda}:");
    environment.put("SLUICE_S3_PREFIX", "lambda/");
    environment.put("AWS_LAMBDA_RUNTIME_API", lambda.runtimeApi(function));
    environment.put("AWS_REGION", LambdaService.REGION);
    environment.put("AWS_ACCESS_KEY_ID", STACK.endpoints().accessKey());
    environment.put("AWS_SECRET_ACCESS_KEY", STACK.endpoints().secretKey());
    environment.put("SLUICE_ENGINE", "lambda");
    environment.put("SLUICE_LAMBDA_WORKER", WORKER);
    environment.put("SLUICE_LAMBDA_FAN_OUT", "2");
    environment.put("SLUICE_LAMBDA_ENDPOINT", lambda.endpoint().toString());
    environment.put("SLUICE_WORKER_ENABLED", "false");
    environment.put("QUARKUS_FUNQY_EXPORT", export);
    environment.put("QUARKUS_HTTP_PORT", "0");
    environment.putAll(settings);
    PROCESSES.add(
        Application.start(
            List.of("serve"),
            environment,
            logs.resolve(function + "-" + PROCESSES.size() + ".log")));
  }

  private static Api api(String function) {
    return new Api(lambda.url(function));
  }

  @Test
  void aModelIsStoredLoadedAndComputedOnByInstances() {
    JsonNode uploaded = api("upload").upload(source, "lambda/m", "shardBytes", SHARD);
    assertThat(uploaded.get("shards").intValue()).isEqualTo(16);

    int before = lambda.invocations().size();
    JsonNode loaded = api("load").load("lambda/m");
    assertThat(loaded.get("L").longValue()).isEqualTo(uploaded.get("S").longValue());
    assertThat(loaded.get("P").intValue()).as("workers of %s", loaded).isEqualTo(2);
    loaded
        .get("workers")
        .forEach(worker -> assertThat(worker.get("address").textValue()).startsWith("lambda://"));
    // Two were started; each had time for less than its half, so others were started to go on.
    List<String> started = lambda.invocations().subList(before, lambda.invocations().size());
    assertThat(started).hasSizeGreaterThan(2);
    Map<String, Integer> expected = new HashMap<>();
    started.forEach(
        payload -> expected.merge(Api.parse(payload).get("workers").toString(), 1, Integer::sum));
    assertThat(expected).containsEntry("2", 2).containsKey("1");

    JsonNode stats = api("compute").stats("lambda/m");
    assertThat(stats.get("result").get("tensors").size()).isEqualTo(16);
  }

  @Test
  void anInstanceThatIsInvokedDirectlyAnswersWithTheDocument() {
    HttpResponse<String> answer = lambda.event("load", "{\"model\":\"lambda/none\"}");
    assertThat(answer.statusCode()).isEqualTo(500);
    JsonNode error = Api.parse(answer.body());
    assertThat(error.get("errorType").textValue()).isEqualTo("http-404");
    assertThat(error.get("errorMessage").textValue()).contains("lambda/none");
    JsonNode job =
        Api.parse(lambda.event("load", "{\"model\":\"lambda/none\",\"wait\":false}").body());
    assertThat(job.get("kind").textValue()).isEqualTo("load");
  }

  @Test
  void aFunctionIsNoOther() {
    Api.problem(api("load").post("/upload", "{}"), 404, "route-missing");
    Api.problem(api("load").get("/upload"), 404, "route-missing");
    Api.problem(api("load").get("/load"), 405, "method-not-allowed");
    Api.problem(api("load").post("/models", "{}"), 405, "method-not-allowed");
    Api.problem(api("load").post("/events", "{}"), 404, "route-missing");
    Api.problem(api("load").post("/activations", "{}"), 404, "route-missing");
    Api.problem(api("worker").post("/release", "{}"), 404, "route-missing");
    Api.problem(api("compute").post("/jobs/none/cancel", "{}"), 404, "job-missing");
    assertThat(api("compute").get("/q/health/live").statusCode()).isEqualTo(200);
  }
}
