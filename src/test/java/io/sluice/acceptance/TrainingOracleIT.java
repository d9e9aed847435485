package io.sluice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Trained models against scikit-learn's. Skipped where Python or its modules are not installed;
 * {@code ACCEPTANCE_PYTHON} may name one. {@link TrainingIT} compares with what scikit-learn said
 * once.
 */
class TrainingOracleIT {
  private static final String PYTHON = System.getenv().getOrDefault("ACCEPTANCE_PYTHON", "python3");

  @TempDir Path folder;

  @BeforeEach
  void pythonIsThere() throws InterruptedException {
    String missing;
    try {
      Process process =
          new ProcessBuilder(PYTHON, "-c", "import numpy, safetensors.numpy, sklearn")
              .redirectErrorStream(true)
              .start();
      String output = text(process.getInputStream());
      missing = process.waitFor() == 0 ? "" : output;
    } catch (IOException e) {
      missing = e.getMessage();
    }
    Assumptions.assumeTrue(
        missing.isEmpty(), "skipped: '" + PYTHON + "' has no scikit-learn: " + missing.strip());
  }

  private static String text(InputStream in) throws IOException {
    return new String(in.readAllBytes(), StandardCharsets.UTF_8);
  }

  @Test
  void softmaxAndLinearModelsAreThoseOfScikitLearn() throws Exception {
    Cluster cluster = Stack.sharedCluster();
    TrainingIT.upload(cluster, "oracle");
    List<String> command = new ArrayList<>(List.of(PYTHON, script().toString()));
    command.add(write("train.safetensors", TrainingIT.resource("digits-train.safetensors")));
    command.add(write("test.safetensors", TrainingIT.resource("digits-test.safetensors")));
    for (String task : List.of("softmax", "linear")) {
      ObjectNode train = Api.object("model", "oracle/digits:train", "operation", "train");
      train.set(
          "arguments",
          Api.object(
              "output",
              "oracle/" + task,
              "task",
              task,
              "epochs",
              200,
              "batch",
              2000,
              "learningRate",
              task.equals("softmax") ? 1.5 : 0.15,
              "momentum",
              0.9,
              "l2",
              0.01,
              "checkpointEvery",
              1000));
      JsonNode trained = Api.ok(cluster.api().post("/compute", train)).get("result");
      Map<String, byte[]> files =
          cluster.bucket().files("oracle/" + task, trained.get("version").textValue());
      assertThat(files).containsOnlyKeys("model.safetensors", "training.json");
      command.add(write(task + ".safetensors", files.get("model.safetensors")));
      ObjectNode predict = Api.object("model", "oracle/" + task, "operation", "predict");
      predict.set("arguments", Api.object("data", "oracle/digits:test", "probabilities", true));
      JsonNode predicted = Api.ok(cluster.api().post("/compute", predict)).get("result");
      command.add(write(task + ".json", predicted.toString().getBytes(StandardCharsets.UTF_8)));
    }
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = text(process.getInputStream());
    assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
    assertThat(output.strip()).endsWith("ok softmax and linear");
    assertThat(process.exitValue()).isZero();
  }

  private String write(String name, byte[] bytes) throws IOException {
    return Files.write(folder.resolve(name), bytes).toString();
  }

  private Path script() throws IOException {
    try (InputStream in = TrainingOracleIT.class.getResourceAsStream("training.py")) {
      return Files.write(folder.resolve("training.py"), in.readAllBytes());
    }
  }
}
