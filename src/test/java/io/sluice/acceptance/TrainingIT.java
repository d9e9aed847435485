package io.sluice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Handwritten digits are learned by workers as separate processes, and a worker that is killed in
 * the middle of an epoch changes nothing of what comes out.
 */
class TrainingIT {
  private static Cluster cluster;

  @BeforeAll
  static void upload() {
    cluster = Stack.sharedCluster();
    upload(cluster, "training");
  }

  static byte[] resource(String name) {
    try (InputStream in = TrainingIT.class.getResourceAsStream("/datasets/" + name)) {
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The two parts of the digits, cut so that x and y and their rows lie in several shards. */
  static void upload(Cluster cluster, String prefix) {
    for (String part : List.of("train", "test")) {
      String url =
          cluster
              .stack()
              .write(
                  prefix + "-digits-" + part,
                  Map.of("digits.safetensors", resource("digits-" + part + ".safetensors")))
              .toUri()
              .toString();
      cluster.api().upload(url, prefix + "/digits:" + part, "shardBytes", 20_000);
    }
  }

  private static ObjectNode train(String prefix, String into, Object... arguments) {
    ObjectNode request = Api.object("model", prefix + "/digits:train", "operation", "train");
    ObjectNode all = Api.object(arguments);
    all.put("output", prefix + "/" + into);
    request.set("arguments", all);
    return request;
  }

  private static JsonNode ok(Cluster cluster, ObjectNode request) {
    return Api.ok(cluster.api().post("/compute", request));
  }

  @Test
  void digitsAreLearned() throws IOException {
    JsonNode golden = new ObjectMapper().readTree(resource("digits-golden.json"));
    JsonNode trained =
        ok(
            cluster,
            train(
                "training",
                "net",
                "epochs",
                40,
                "batch",
                144,
                "learningRate",
                0.3,
                "momentum",
                0.8,
                "decay",
                0.1,
                "l2",
                0.001,
                "partitions",
                8));
    assertThat(trained.get("N").intValue()).isEqualTo(8);
    assertThat(trained.get("P").intValue()).isEqualTo(4);
    assertThat(trained.get("T").intValue()).isEqualTo(2);
    JsonNode result = trained.get("result");
    assertThat(result.get("epochs")).hasSize(40);
    assertThat(result.get("steps").intValue()).isEqualTo(10);
    assertThat(result.at("/epochs/39/loss").doubleValue())
        .isCloseTo(golden.get("trainLoss").doubleValue(), within(0.03));

    ObjectNode request = Api.object("model", "training/net", "operation", "predict");
    request.set("arguments", Api.object("data", "training/digits:test"));
    JsonNode predicted = ok(cluster, request).get("result");
    assertThat(predicted.at("/metrics/accuracy").doubleValue())
        .isGreaterThanOrEqualTo(0.95)
        .isGreaterThanOrEqualTo(golden.get("rawAccuracy").doubleValue() - 0.01);
    int same = 0;
    for (int i = 0; i < 360; i++) {
      same += predicted.at("/classes/" + i).equals(golden.at("/classes/" + i)) ? 1 : 0;
    }
    assertThat(same).isGreaterThanOrEqualTo(354);

    // as many workers as are asked for, and the same version whatever their number
    ObjectNode alone =
        train(
            "training",
            "net2",
            "epochs",
            40,
            "batch",
            144,
            "learningRate",
            0.3,
            "momentum",
            0.8,
            "decay",
            0.1,
            "l2",
            0.001,
            "partitions",
            8);
    JsonNode again = ok(cluster, alone.put("tasksPerWorker", 8));
    assertThat(again.get("P").intValue()).isEqualTo(1);
    assertThat(again.at("/result/version")).isEqualTo(result.get("version"));
    assertThat(tags("training/net")).contains("epoch-1", "epoch-40", "latest");
  }

  private static Set<String> tags(String model) {
    Set<String> tags = new HashSet<>();
    for (JsonNode version : Api.ok(cluster.api().get("/models")).get("models")) {
      if (version.get("name").textValue().equals(model)) {
        version.get("tags").fieldNames().forEachRemaining(tags::add);
        version.get("tags").forEach(tag -> tags.add(tag.path("tag").asText(tag.asText())));
      }
    }
    return tags;
  }

  @Test
  void theCommandLineTellsEveryEpoch() {
    Cli cli = new Cli(cluster);
    Cli.Run run =
        cli.run(
            "train",
            "training/digits:train",
            "--output",
            "training/cli",
            "--epochs",
            "3",
            "--method",
            "local",
            "--learning-rate",
            "0.3");
    run.succeeded();
    assertThat(run.err()).contains("epoch 1 of 3, loss", "epoch 3 of 3, loss", "accuracy 0.9");
    assertThat(run.out())
        .contains("softmax of 1437 rows of 64 features to 10 outputs, 3 epochs", "accuracy 0.9")
        .contains("training/cli:latest  sha256:");
    Cli.Run predicted = cli.run("predict", "training/cli", "--data", "training/digits:test");
    assertThat(predicted.succeeded().out())
        .contains("360 rows: accuracy 0.9", "TRUE  AS 0", "classes ");
    JsonNode stored =
        cli.run(
                "predict",
                "training/cli:epoch-2",
                "--data",
                "training/digits:test",
                "--output",
                "training/said",
                "--probabilities",
                "--json")
            .json();
    assertThat(stored.at("/result/output/model").textValue()).isEqualTo("training/said");
    JsonNode said = cluster.api().model("training/said");
    assertThat(said.get("tensors")).hasSize(2);
    cli.run("train", "training/digits:train", "--output", "training/x", "--epochs", "0")
        .failed(2, "field-invalid");
  }

  /** Who dies. */
  enum Victim {
    /** The worker that took the request. */
    COORDINATOR,
    /** A worker that was asked to help. */
    HELPER
  }

  @ParameterizedTest
  @EnumSource
  void aWorkerKilledInTheMiddleChangesNothing(Victim victim) {
    String prefix = "killed" + victim.ordinal();
    try (Cluster fragile =
        Cluster.start(
            Stack.shared(),
            prefix,
            3,
            64 << 20,
            Map.of(
                "SLUICE_JOB_LEASE", "2s",
                "SLUICE_WORKER_HEARTBEAT", "500ms",
                "SLUICE_WORKER_TTL", "4s"))) {
      upload(fragile, prefix);
      Object[] arguments = {
        "epochs", 12, "batch", 64, "learningRate", 0.2, "momentum", 0.5, "partitions", 6, "seed", 5
      };
      JsonNode undisturbed = ok(fragile, train(prefix, "calm", arguments));
      assertThat(undisturbed.get("P").intValue()).isEqualTo(3);

      List<Cluster.Worker> workers = fragile.workers();
      Cluster.Worker dying = victim == Victim.COORDINATOR ? workers.getFirst() : workers.getLast();
      Cluster.Worker survivor = workers.get(1);
      String id = workers.getFirst().api().start("/compute", train(prefix, "shaken", arguments));
      Await.untilTrue(
          "the second epoch to be published",
          () ->
              survivor.api().get("/models/" + prefix + "/shaken?tag=epoch-2").statusCode() == 200);
      dying.kill();
      JsonNode job = survivor.api().job(id);
      assertThat(Api.isOver(job)).as("killed in the middle: " + job).isFalse();
      JsonNode result = survivor.api().awaitResult(id);
      assertThat(result.at("/result/version")).isEqualTo(undisturbed.at("/result/version"));
      assertThat(result.get("P").intValue()).isEqualTo(2);

      // and from a version in the middle, as a new job
      fragile.awaitOnlyLiving();
      Object[] more = Arrays.copyOf(arguments, arguments.length + 2);
      more[arguments.length] = "resume";
      more[arguments.length + 1] = prefix + "/calm:epoch-5";
      assertThat(ok(fragile, train(prefix, "resumed", more)).at("/result/version"))
          .isEqualTo(undisturbed.at("/result/version"));
    }
  }
}
