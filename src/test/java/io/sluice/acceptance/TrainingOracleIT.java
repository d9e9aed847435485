package io.sluice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Trained models against scikit-learn's. Skipped where Python or its modules are not installed.
 * {@link TrainingIT} compares with what scikit-learn said once.
 */
class TrainingOracleIT {
  @TempDir Path folder;

  @Test
  void softmaxAndLinearModelsAreThoseOfScikitLearn() throws Exception {
    Python python = Python.with(folder, "numpy", "safetensors.numpy", "sklearn");
    Cluster cluster = Stack.sharedCluster();
    TrainingIT.upload(cluster, "oracle");
    List<String> paths = new ArrayList<>();
    paths.add(write("train.safetensors", TrainingIT.resource("digits-train.safetensors")));
    paths.add(write("test.safetensors", TrainingIT.resource("digits-test.safetensors")));
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
      paths.add(write(task + ".safetensors", files.get("model.safetensors")));
      ObjectNode predict = Api.object("model", "oracle/" + task, "operation", "predict");
      predict.set("arguments", Api.object("data", "oracle/digits:test", "probabilities", true));
      JsonNode predicted = Api.ok(cluster.api().post("/compute", predict)).get("result");
      paths.add(write(task + ".json", predicted.toString().getBytes(StandardCharsets.UTF_8)));
    }
    assertThat(python.script("training.py", paths)).endsWith("ok softmax and linear");
  }

  private String write(String name, byte[] bytes) throws IOException {
    return Files.write(folder.resolve(name), bytes).toString();
  }
}
