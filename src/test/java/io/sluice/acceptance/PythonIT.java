package io.sluice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What lies in the bucket opens with Python's safetensors, and holds the tensors of the source.
 * Skipped where Python or its modules are not installed; {@code ACCEPTANCE_PYTHON} may name one.
 */
class PythonIT {
  private static final String PYTHON = System.getenv().getOrDefault("ACCEPTANCE_PYTHON", "python3");

  @TempDir Path folder;

  @BeforeEach
  void pythonIsThere() throws InterruptedException {
    String missing;
    try {
      Process process =
          new ProcessBuilder(PYTHON, "-c", "import numpy, safetensors.numpy")
              .redirectErrorStream(true)
              .start();
      String output = text(process.getInputStream());
      missing = process.waitFor() == 0 ? "" : output;
    } catch (IOException e) {
      missing = e.getMessage();
    }
    Assumptions.assumeTrue(
        missing.isEmpty(),
        "skipped: '" + PYTHON + "' has no numpy and safetensors: " + missing.strip());
  }

  @Test
  void everyShardOpensAndHoldsTheSource() throws IOException, InterruptedException {
    Random random = new Random(91);
    List<Synthetic> tensors = new ArrayList<>();
    for (String type :
        List.of(
            "BOOL", "U8", "I8", "U16", "I16", "U32", "I32", "U64", "I64", "F16", "BF16", "F32",
            "F64", "F8_E4M3", "F8_E5M2")) {
      tensors.add(Synthetic.random("small." + type, type, random, 7, 5));
      tensors.add(Synthetic.random("large." + type, type, random, 40, 30, 20));
    }
    tensors.add(Synthetic.weights("scalar", random));
    tensors.add(Synthetic.random("empty", "F32", random, 0, 4));
    byte[] source = SafetensorsFile.write(tensors);
    Cluster cluster = Stack.sharedCluster();
    String url =
        cluster.stack().write("python", Map.of("m.safetensors", source)).toUri().toString();
    cluster.api().upload(url, "python/m", "shardBytes", 30_000);

    List<String> command = new ArrayList<>(List.of(PYTHON, script().toString()));
    command.add(Files.write(folder.resolve("source.safetensors"), source).toString());
    JsonNode shards = cluster.api().model("python/m").get("shards");
    for (JsonNode shard : shards) {
      byte[] object = cluster.bucket().get(Bucket.shardKey(shard.get("digest").textValue()));
      Path file = folder.resolve(shard.get("index").asText() + ".safetensors");
      command.add(Files.write(file, object).toString());
    }
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = text(process.getInputStream());
    assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
    assertThat(output.strip()).isEqualTo("ok 31 tensors of " + shards.size() + " shards");
    assertThat(process.exitValue()).isZero();
    assertThat(shards.size()).isGreaterThan(20);
  }

  private Path script() throws IOException {
    try (InputStream in = PythonIT.class.getResourceAsStream("shards.py")) {
      return Files.write(folder.resolve("shards.py"), in.readAllBytes());
    }
  }

  private static String text(InputStream in) throws IOException {
    return new String(in.readAllBytes(), StandardCharsets.UTF_8);
  }
}
